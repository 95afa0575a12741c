"""The server's systemd unit: what systemd itself says of it, and what it lets etcsync write."""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from cluster import sample_cluster

from etcsync.config import Settings, parse_settings
from etcsync.host.hooks import hook_file, service
from etcsync.host.hooks.service import one_mount_each, service_hook, unit_word
from etcsync.shipped import shipped_folder

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd is not installed"
)


def settings_of(text: str = "") -> Settings:
    return parse_settings(f'[upstream]\nroot = "/srv/root"\n{text}', "/etc/etcsync/etcsync.toml")


def unit(settings: Settings) -> str:
    return service_hook(settings, "/").content.decode()


def values(text: str, key: str) -> list[str]:
    """Return the words that a unit gives for a key."""
    return [
        w for each in re.findall(rf"^{key}=(.*)$", text, re.MULTILINE) for w in shlex.split(each)
    ]


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    cluster = sample_cluster(tmp_path / "with space & 100% $HOME", clients=1)
    cluster.run("hooks", "install", "--destdir", str(cluster.place))
    return cluster.place / "etc/systemd/system/etcsync.service"


@pytest.fixture(autouse=True)
def made_place(tmp_path: Path) -> None:
    (tmp_path / "with space & 100% $HOME").mkdir()


@needs_systemd
def test_systemd_finds_nothing_wrong_in_it(installed):
    done = subprocess.run(
        ["systemd-analyze", "verify", installed], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@needs_systemd
def test_its_exposure_is_under_5(installed, tmp_path):
    guide = tmp_path / "etcsync.service"
    guide.write_text(unit(settings_of('[boot]\nwriter = "c"\n[[clients]]\nname = "c"\n')))
    for each in (installed, guide):
        done = subprocess.run(
            ["systemd-analyze", "security", "--offline=true", "--threshold=50", each],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        level = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
        assert level is not None
        assert float(level[1]) < 5


def test_of_the_guides_cluster_it_may_write_trees_state_and_exports():
    text = unit(settings_of())
    assert values(text, "ReadWritePaths") == [
        "-/etc/exports.d", "/srv", "/var/lib/etcsync", "-/var/lib/nfs",
    ]  # fmt: skip
    assert values(text, "ProtectSystem") == ["strict"]
    assert values(text, "RequiresMountsFor") == ["/srv", "/var/lib/etcsync"]


def test_it_may_write_the_servers_etc_only_while_a_client_may_write_boot():
    granted = settings_of('[boot]\nwriter = "client0"\n[[clients]]\nname = "client0"\n')
    assert "/etc" in values(unit(granted), "ReadWritePaths")
    assert "/etc" not in values(unit(settings_of()), "ReadWritePaths")


def test_what_files_are_exchanged_between_stays_one_mount(tmp_path):
    """Two writable paths would be two mounts, and a rename from one to the other fails."""
    trees, staging, etc = tmp_path / "trees", tmp_path / "later/staging", tmp_path / "root/etc"
    assert one_mount_each(map(str, (trees, staging, etc))) == [str(tmp_path)]
    assert sorted(one_mount_each([str(tmp_path), "/proc"])) == sorted([str(tmp_path), "/proc"])


@pytest.mark.skipif(
    os.stat("/srv").st_dev != os.stat("/var").st_dev, reason="/srv and /var are not on one disk"
)
def test_where_that_is_the_whole_disk_only_what_the_system_needs_is_closed():
    text = unit(settings_of('[trees]\nstaging = "/var/stage"\n'))
    assert values(text, "ProtectSystem") == ["full"]
    assert values(text, "ReadWritePaths") == ["-/etc/exports.d"]


def test_homes_and_temporary_files_are_seen_only_where_the_cluster_lies_there(monkeypatch):
    monkeypatch.setattr("sys.prefix", "/opt/etcsync")
    monkeypatch.setattr(service, "program_words", lambda: ("/opt/etcsync/bin/etcsync",))
    shipped = shipped_folder("hooks")
    monkeypatch.setattr(service, "shipped_folder", lambda _: "/opt/etcsync/share/hooks")
    monkeypatch.setattr(hook_file, "shipped_folder", lambda _: shipped)
    text = unit(settings_of())
    assert values(text, "PrivateTmp") == ["yes"]
    text = unit(settings_of('[policy]\nfiles = ["/home/ada/rules.toml"]\n'))
    assert values(text, "ProtectHome") == ["read-only"]
    text = unit(settings_of('[trees]\npath = "/tmp/x/{client}"\n'))
    assert values(text, "PrivateTmp") == ["no"]
    assert values(text, "Environment") == ["TMPDIR=/run/etcsync"]
    assert values(text, "RuntimeDirectory") == ["etcsync"]


def test_a_path_is_one_word_whatever_is_in_it():
    assert unit_word("/srv/a-b_c") == "/srv/a-b_c"
    assert unit_word('/srv/a "b" 5%\n\\') == r'"/srv/a \"b\" 5%%\x0a\\"'


def test_the_program_is_this_etcsync_with_these_settings(installed):
    words = values(installed.read_text(), "ExecStart")
    assert os.access(words[0], os.X_OK)
    assert words[1:] == [
        "--config",
        str(installed.parents[3] / "etcsync.toml").replace("%", "%%").replace("$", "$$"),
        "run",
    ]
