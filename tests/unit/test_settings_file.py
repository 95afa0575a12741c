"""Edits of the settings file: comments, order, owner and mode stay; a bad edit changes nothing."""

import os
import stat
import time

import pytest

from etcsync.config import Client, load_settings
from etcsync.errors import EtcsyncError, SettingsError, UsageError
from etcsync.settings_file import add_clients, create_settings, remove_client, set_value

HAND_WRITTEN = """\
# our cluster
state_dir = "/var/lib/etcsync"  # on the SSD

[upstream]
root = "/srv/root"

[boot]  # ask Ann first
# the noisy one
writer = "kiosk"

# the one in the hall
[[clients]]
name = "kiosk"
# measured
address = "10.0.0.9"   # static
labels = [
    "public",  # no login
]

# spare
[[clients]]
name = "spare"

# daemon last
[daemon]
interval = "10m"
"""


@pytest.fixture
def path(tmp_path) -> str:
    (tmp_path / "etcsync.toml").write_text(HAND_WRITTEN)
    return str(tmp_path / "etcsync.toml")


def read(path: str) -> str:
    with open(path) as file:
        return file.read()


def missing_lines(path: str) -> list[str]:
    """Return the lines of the hand-written file that are gone."""
    now = read(path).split("\n")
    return [line for line in HAND_WRITTEN.split("\n") if line not in now]


def test_a_new_file_says_what_was_asked_and_shows_the_rest(tmp_path) -> None:
    path = str(tmp_path / "new" / "etcsync.toml")
    settings = create_settings(
        path,
        root="/my root",
        values={("", "state_dir"): "/state", ("trees", "path"): "/t/{client}/etc"},
        clients=[Client(name="c0", address="10.0.0.1", labels=("a",)), Client(name="c1")],
    )
    assert settings == load_settings(path)
    assert settings.upstream.root == "/my root"
    assert settings.state_dir == "/state"
    assert [client.name for client in settings.clients] == ["c0", "c1"]
    text = read(path)
    assert '\nstate_dir = "/state"\n' in text
    assert '\n# etc = "/my root/etc"\n' in text
    assert '\n# staging = "/t/.etcsync"\n' in text
    assert '\n# source = "/my root/boot"\n' in text
    assert '\n# interval = "5m"\n' in text
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o644


def test_a_file_that_exists_is_not_created_again(path) -> None:
    with pytest.raises(SettingsError, match="already"):
        create_settings(path, root="/srv/other")
    assert read(path) == HAND_WRITTEN
    assert os.listdir(os.path.dirname(path)) == ["etcsync.toml"]


def test_a_new_file_that_would_be_wrong_is_not_written(tmp_path) -> None:
    path = str(tmp_path / "new" / "etcsync.toml")
    with pytest.raises(SettingsError, match="must contain"):
        create_settings(path, root="/srv/root", values={("trees", "path"): "/t"})
    assert not os.path.exists(os.path.dirname(path))


def test_strange_text_in_values_survives(tmp_path) -> None:
    path = str(tmp_path / "etcsync.toml")
    root = '/a "b" \\ c # d\n[e] ü {client}'
    assert create_settings(path, root=root).upstream.root == root
    assert load_settings(path).upstream.root == root


def test_a_value_is_exchanged_in_place(path) -> None:
    settings = set_value(path, "boot", "writer", "spare")
    assert settings.boot.writer == "spare"
    assert missing_lines(path) == ['writer = "kiosk"']
    assert '# the noisy one\nwriter = "spare"\n' in read(path)


def test_a_new_key_goes_below_the_last_of_its_table(path) -> None:
    set_value(path, "daemon", "settle", "2s")
    set_value(path, "boot", "mount", "/mnt")
    set_value(path, "upstream", "auto_commit", value=True)
    assert missing_lines(path) == []
    assert 'root = "/srv/root"\nauto_commit = true\n' in read(path)
    assert 'writer = "kiosk"\nmount = "/mnt"\n\n# the one in the hall\n' in read(path)
    assert read(path).endswith('interval = "10m"\nsettle = "2s"\n')


def test_a_new_key_takes_the_place_of_its_commented_default(tmp_path) -> None:
    path = str(tmp_path / "etcsync.toml")
    create_settings(path, root="/srv/root", clients=[Client(name="c0")])
    before = read(path)
    set_value(path, "boot", "writer", "c0")
    set_value(path, "policy", "packs", ["base", "arch"])
    assert read(path) == before.replace('# writer = ""', 'writer = "c0"').replace(
        '# packs = ["base"]', 'packs = ["base", "arch"]'
    )


def test_a_new_table_goes_to_the_end_and_a_top_level_key_to_the_top(path) -> None:
    set_value(path, "server", "address", "10.0.0.1")
    assert read(path) == HAND_WRITTEN + '\n[server]\naddress = "10.0.0.1"\n'
    set_value(path, "", "state_dir", "/s")
    assert 'state_dir = "/s"  # on the SSD\n' in read(path)


def test_tables_without_header_are_edited_too(path) -> None:
    with open(path, "w") as file:
        file.write(
            'boot = {mount = "/m"}\nserver.address = "10.0.0.1"\n'
            'clients = [ {name = "a"}, {name = "b"} ]\nupstream.root = "/srv/root"\n'
        )
    set_value(path, "boot", "writer", "a")
    set_value(path, "server", "network", "10.0.0.0/8")
    add_clients(path, [Client(name="c", labels=("x",)), Client(name="b", mac="00e066598984")])
    settings = remove_client(path, "b")
    assert settings == load_settings(path)
    assert settings.boot.writer == "a"
    assert (settings.boot.mount, settings.server.network) == ("/m", "10.0.0.0/8")
    assert settings.clients == (Client(name="a"), Client(name="c", labels=("x",)))


def test_clients_are_added_below_the_others(path) -> None:
    settings = add_clients(
        path, [Client(name="new", address="10.0.0.1", mac="00:e0:66:59:89:84", labels=("x", "y"))]
    )
    assert [client.name for client in settings.clients] == ["kiosk", "spare", "new"]
    assert missing_lines(path) == []
    assert (
        'name = "spare"\n\n[[clients]]\nname = "new"\naddress = "10.0.0.1"\n'
        'mac = "00:e0:66:59:89:84"\nlabels = ["x", "y"]\n\n# daemon last\n'
    ) in read(path)


def test_adding_again_changes_nothing(path) -> None:
    added = [Client(name="new", address="10.0.0.1"), Client(name="kiosk", labels=("public",))]
    add_clients(path, added)
    text, inode = read(path), os.stat(path).st_ino
    add_clients(path, added)
    assert read(path) == text
    assert os.stat(path).st_ino == inode


def test_what_a_known_client_lacks_is_completed(path) -> None:
    settings = add_clients(path, [Client(name="kiosk", mac="00e066598984", labels=("hall",))])
    assert settings.clients[0] == Client(
        name="kiosk", address="10.0.0.9", mac="00:e0:66:59:89:84", labels=("public", "hall")
    )
    assert "# measured\n" in read(path)
    assert "# static\n" in read(path)


def test_what_contradicts_a_known_client_is_refused(path) -> None:
    with pytest.raises(UsageError, match=r"has the address '10\.0\.0\.9' already"):
        add_clients(path, [Client(name="new"), Client(name="kiosk", address="10.0.0.10")])
    assert read(path) == HAND_WRITTEN


def test_a_removed_client_leaves_comments_behind(path) -> None:
    settings = remove_client(path, "spare")
    assert [client.name for client in settings.clients] == ["kiosk"]
    assert missing_lines(path) == ['name = "spare"']
    assert "# spare\n\n# daemon last\n[daemon]\n" in read(path)


def test_removing_what_was_added_gives_the_same_file(path) -> None:
    add_clients(path, [Client(name="new", address="10.0.0.1")])
    remove_client(path, "new")
    assert read(path) == HAND_WRITTEN


def test_a_comment_within_a_text_is_no_commented_default(path) -> None:
    with open(path, "a") as file:
        file.write('[exports]\ncommand = ["""\n# file = 1\n"""]\n')
    settings = set_value(path, "exports", "file", "/x")
    assert settings.exports.command == ("# file = 1\n",)
    assert settings.exports.file == "/x"


def test_an_edit_that_someone_else_made_meanwhile_is_not_lost(path) -> None:
    def clients():
        with open(path, "a") as file:
            file.write("# meanwhile\n")
        yield Client(name="new")

    with pytest.raises(SettingsError, match="changed by someone else"):
        add_clients(path, clients())
    assert read(path) == HAND_WRITTEN + "# meanwhile\n"


def test_the_writer_of_boot_is_not_removed(path) -> None:
    with pytest.raises(SettingsError, match="may write /boot") as caught:
        remove_client(path, "kiosk")
    assert "boot revoke" in (caught.value.hint or "")
    with pytest.raises(UsageError, match="there is no client"):
        remove_client(path, "nobody")
    assert read(path) == HAND_WRITTEN


@pytest.mark.parametrize(
    "edit",
    [
        lambda path: set_value(path, "boot", "writer", "nobody"),
        lambda path: set_value(path, "boot", "wirter", "kiosk"),
        lambda path: set_value(path, "daemon", "interval", "soon"),
        lambda path: set_value(path, "limits", "max_delete_percent", 400),
        lambda path: add_clients(path, [Client(name="new", address="10.0.0.9")]),
    ],
)
def test_a_bad_edit_changes_nothing(path, edit) -> None:
    with pytest.raises(EtcsyncError):
        edit(path)
    assert read(path) == HAND_WRITTEN
    assert os.listdir(os.path.dirname(path)) == ["etcsync.toml"]


def test_a_file_that_is_wrong_already_is_left_alone(path) -> None:
    with open(path, "a") as file:
        file.write("nonsense = 1\n")
    text = read(path)
    with pytest.raises(SettingsError, match="unknown key 'nonsense'"):
        set_value(path, "daemon", "settle", "2s")
    assert read(path) == text


def test_mode_and_owner_stay(path) -> None:
    os.chmod(path, 0o640)
    if os.geteuid() == 0:
        os.chown(path, 1234, 2345)
    before = os.stat(path)
    set_value(path, "daemon", "settle", "2s")
    after = os.stat(path)
    assert (after.st_mode, after.st_uid, after.st_gid) == (
        before.st_mode, before.st_uid, before.st_gid,
    )  # fmt: skip
    assert after.st_ino != before.st_ino


def test_a_link_stays_a_link(path, tmp_path) -> None:
    link = tmp_path / "elsewhere" / "link.toml"
    link.parent.mkdir()
    link.symlink_to(path)
    settings = set_value(str(link), "daemon", "settle", "2s")
    assert link.is_symlink()
    assert settings.source == str(link)
    assert 'settle = "2s"' in read(path)
    assert os.listdir(link.parent) == ["link.toml"]


def test_what_is_no_regular_file_is_not_edited(tmp_path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(SettingsError, match="not a regular file"):
        set_value(str(tmp_path / "fifo"), "daemon", "settle", "2s")
    with pytest.raises(SettingsError, match="no settings file"):
        set_value(str(tmp_path / "nothing"), "daemon", "settle", "2s")


def test_line_ends_of_dos_stay(tmp_path) -> None:
    path = tmp_path / "etcsync.toml"
    path.write_bytes(HAND_WRITTEN.replace("\n", "\r\n").encode())
    set_value(str(path), "daemon", "settle", "2s")
    settings = add_clients(str(path), [Client(name="new")])
    assert settings.client("new")
    assert path.read_bytes().count(b"\r\n") >= HAND_WRITTEN.count("\n") - 1


def test_a_thousand_clients_are_added_and_completed_quickly(path) -> None:
    started = time.process_time()
    add_clients(path, [Client(name=f"c{i}") for i in range(1000)])
    settings = add_clients(path, [Client(name=f"c{i}", mac=f"{i:012x}") for i in range(1000)])
    assert settings.client("c999").mac == "00:00:00:00:03:e7"
    assert time.process_time() - started < 5
