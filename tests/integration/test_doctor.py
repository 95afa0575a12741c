"""The doctor as a command: what it prints, how it ends, what it leaves alone."""

import json
import os
import stat

import pytest
from cluster import Cluster, fingerprint
from doctor_support import AS_ROOT, document, finding, findings

from etcsync import __version__
from etcsync.config import load_settings
from etcsync.doctor.checks import CHECKS
from etcsync.doctor.examine import Check, examine
from etcsync.doctor.finding import Finding, Severity, listed
from etcsync.errors import SettingsError


@pytest.fixture
def cluster(sound_cluster):
    return sound_cluster


def test_a_sound_cluster_has_no_findings(cluster):
    said = cluster.run("doctor")
    assert findings(cluster) == []
    assert all(check["ok"] for check in document(cluster)["checks"])
    if AS_ROOT:
        assert said.out.endswith(f"\n{len(CHECKS)} checks: all is well\n")
        assert f"\netcsync {__version__}, Python 3." in said.out
    assert said.out.startswith("in order: settings, ") or not AS_ROOT


def test_each_finding_comes_with_its_remedy_and_a_serious_one_sets_the_status(cluster):
    (cluster.etc / ".git").chmod(0o755)
    (cluster.etc / "motd\x1b[31m.pacnew").touch()
    said = cluster.run("doctor", status=1)
    assert f"  serious {cluster.etc}/.git is open to others (mode 0755)" in said.out
    assert f"          → `chmod 700 {cluster.etc}/.git`" in said.out
    assert "  warning the package manager left motd\\x1b[31m.pacnew: " in said.out
    assert "\x1b" not in said.out
    assert "1 serious finding, 1 warning" in said.out
    (cluster.etc / ".git").chmod(0o700)
    assert "left-overs" in cluster.run("doctor", status=0).out


def test_the_document(cluster):
    (cluster.etc / "motd.pacnew").touch()
    told = cluster.run("doctor", "--json").json
    assert told == document(cluster)
    assert told["schema"] == 1
    assert told["versions"].keys() == {"etcsync", "python", "git", "linux"}
    (found,) = (each for each in told["findings"] if each["check"] == "left-overs")
    assert found.keys() == {"severity", "check", "client", "path", "what", "remedy"}
    assert (found["severity"], found["client"], found["path"]) == ("warning", None, "motd.pacnew")
    checks = {each["name"]: each["ok"] for each in told["checks"]}
    assert [name for name, ok in checks.items() if not ok] == ["left-overs"]


def test_nothing_is_written(cluster):
    (cluster.etc / "motd").write_text("edited\n")
    (cluster.tree(0) / "motd").write_text("edited\n")
    before = fingerprint(cluster.place)
    cluster.run("doctor")
    assert fingerprint(cluster.place) == before


def test_wrong_settings_are_the_first_finding_and_the_machine_is_checked_all_the_same(tmp_path):
    cluster = Cluster(tmp_path)
    cluster.settings.write_text('stat_dir = "x"\n[upstream]\n')
    told = cluster.run("doctor", "--json", status=2)
    first, *others = (each for each in told.json["findings"] if each["check"] != "rights")
    assert first["check"] == "settings"
    assert first["severity"] == "serious"
    assert "'stat_dir'" in first["what"]
    assert "'root' is missing" in first["what"]
    assert others == []
    checks = {each["name"]: each["ok"] for each in told.json["checks"]}
    assert checks["git"]
    assert checks["kernel"]
    assert not checks["hub"]
    assert "the settings cannot be read" in told.err
    said = cluster.run("doctor", status=2).out
    assert "not checked: state directory, hub, " in said


def test_without_settings_the_remedy_is_to_make_them(tmp_path):
    cluster = Cluster(tmp_path)
    told = cluster.run("doctor", "--json", status=2).json
    assert "etcsync init --root DIR" in told["findings"][0]["remedy"]


def test_what_keeps_several_checks_from_being_made_is_said_once(cluster):
    os.rename(cluster.state / "hub.git", cluster.state / "elsewhere")
    found = finding(cluster)
    assert found["check"] == "hub"
    assert found["remedy"] == "Run `etcsync init` first."
    checks = {each["name"]: each["ok"] for each in document(cluster)["checks"]}
    assert not checks["records"]
    assert checks["upstream"]


def test_a_check_that_fails_is_a_finding_and_ends_no_other():
    def fails(_):
        yield Finding(Severity.NOTE, "found first", "Nothing.")
        raise ValueError("odd")

    def lacks(_):
        raise PermissionError(13, "Permission denied", "/secret")

    def works(_):
        yield Finding(Severity.WARNING, "found", "Mend it.")

    def no_settings():
        raise SettingsError("there are none")

    checks = [Check("one", fails), Check("two", lacks), Check("three", works)]
    told = examine(no_settings, checks)
    assert [(check, each.what) for check, each in told.findings] == [
        ("one", "found first"),
        ("one", "this could not be looked at: ValueError: odd"),
        ("two", "this could not be looked at: /secret: Permission denied"),
        ("three", "found"),
    ]
    assert [each.complete for each in told.results] == [False, False, True]
    assert all(each.remedy for _, each in told.findings)
    assert told.exit_status == 2


def test_every_check_has_a_name_of_its_own_and_says_what_is_so_in_order():
    names = [check.name for check in CHECKS]
    assert len(set(names)) == len(names)
    assert all(check.look.__doc__ for check in CHECKS)


def test_long_lists_are_cut():
    assert listed(["a"]) == "a"
    assert listed("abc") == "a, b and c"
    assert listed("abcdefgh") == "a, b, c, d, e and 3 more"


def test_settings_and_rules_must_be_nobody_elses_to_write(cluster):
    cluster.settings.chmod(0o666)
    cluster.rules.chmod(0o644)
    found = finding(cluster)
    assert (found["check"], found["severity"]) == ("settings", "serious")
    assert f"{cluster.settings} can be written by everyone" in found["what"]
    assert f"chmod go-w {cluster.settings}" in found["remedy"]
    cluster.settings.chmod(0o644)
    cluster.rules.chmod(0o602)
    assert finding(cluster)["path"] == str(cluster.rules)
    cluster.rules.chmod(0o600)
    cluster.place.chmod(0o777)
    assert finding(cluster)["path"] == str(cluster.place)
    cluster.place.chmod(0o1777)
    assert findings(cluster) == []


@pytest.mark.root
def test_settings_that_another_user_owns_are_serious(cluster):
    os.chown(cluster.settings, 1234, 0)
    assert "its owner (uid 1234)" in finding(cluster)["what"]
    os.chown(cluster.settings, 0, 1234)
    cluster.settings.chmod(0o664)
    assert "its group (gid 1234)" in finding(cluster)["what"]


def test_a_rule_file_that_is_a_link_counts_as_what_it_leads_to(cluster, tmp_path):
    real = tmp_path / "elsewhere.toml"
    real.touch(0o666)
    real.chmod(0o666)
    cluster.rules.unlink()
    cluster.rules.symlink_to(real)
    assert finding(cluster)["path"] == str(real)


def test_json_is_what_the_command_prints_also_with_odd_names(cluster):
    os.mknod(os.fsencode(cluster.etc) + b"/odd\xff.rpmnew", stat.S_IFREG | 0o644)
    told = cluster.run("doctor", "--json")
    assert "\\udcff" in told.out
    assert json.loads(told.out)["findings"][-1]["path"] == "odd\udcff.rpmnew"
    assert load_settings(str(cluster.settings)).clients
