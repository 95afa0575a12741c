"""The settings file: what is read, what is derived, and what is refused in which words."""

import os
import re
import tomllib

import pytest

from etcsync.config import Client, Settings, load_settings, parse_settings
from etcsync.errors import SettingsError, UsageError
from etcsync.quantities import parse_duration, parse_size
from etcsync.settings_sample import SAMPLE

SOURCE = "/etc/etcsync/etcsync.toml"
MINIMAL = '[upstream]\nroot = "/srv/root"\n'

CONTRACT = """
state_dir = "/var/lib/etcsync"

[upstream]
root = "/srv/root"

[trees]
path = "/srv/etc-{client}"

[server]
address = "192.168.78.1"
network = "192.168.78.0/24"

[exports]
file = "/etc/exports.d/etcsync.exports"
root_options   = "ro,no_root_squash,subtree_check"
client_options = "rw,no_root_squash,subtree_check"
command = ["exportfs", "-ra"]

[boot]
writer = ""
source = "/srv/root/boot"
mount  = "/srv/clientboot"
fstab  = "/etc/fstab"

[policy]
packs = ["base", "arch"]
files = []

[limits]
max_file_size = "8MiB"
max_delete_percent = 25

[daemon]
interval = "5m"
settle   = "1s"
listen   = ""

[[clients]]
name = "client0"
address = "192.168.78.50"
mac = "00:e0:66:59:89:84"
labels = ["desktop"]
"""


def refused(text: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        parse_settings(text, SOURCE)
    assert caught.value.exit_status == 2
    return caught.value.message.split("\n")


def client(*lines: str) -> str:
    return "\n".join([MINIMAL, "[[clients]]", *lines, ""])


def clients(*tables: str) -> str:
    return MINIMAL + "".join(f"\n[[clients]]\n{table}\n" for table in tables)


def test_the_contracts_example_is_read() -> None:
    settings = parse_settings(CONTRACT, SOURCE)
    assert settings.upstream.etc == "/srv/root/etc"
    assert settings.trees.staging == "/srv/.etcsync"
    assert settings.policy.packs == ("base", "arch")
    assert settings.limits.max_file_size == 8 * 1024 * 1024
    assert (settings.daemon.interval, settings.daemon.settle) == (300.0, 1.0)
    assert settings.clients == (
        Client(
            name="client0", address="192.168.78.50", mac="00:e0:66:59:89:84", labels=("desktop",)
        ),
    )


def test_the_contracts_example_shows_the_defaults() -> None:
    example = parse_settings(CONTRACT, SOURCE).model_dump(exclude={"clients", "server", "policy"})
    default = parse_settings(MINIMAL, SOURCE).model_dump(exclude={"clients", "server", "policy"})
    assert example == default


def test_the_sample_shows_every_key_with_its_default() -> None:
    uncommented = re.sub(r"^# ([a-z_]+ = )", r"\1", SAMPLE, flags=re.MULTILINE)
    shown = tomllib.loads(uncommented)
    settings = parse_settings(uncommented, SOURCE)
    assert settings.model_dump() == parse_settings(MINIMAL, SOURCE).model_dump()
    for name, field in Settings.model_fields.items():
        if name != "clients":
            keys = getattr(field.annotation, "model_fields", None)
            assert name in shown
            assert keys is None or set(shown[name]) == set(keys)


def test_paths_follow_the_state_directory_and_the_template() -> None:
    settings = parse_settings('state_dir = "/s"\n' + MINIMAL, SOURCE)
    assert settings.hub_path == "/s/hub.git"
    assert settings.reports_path == "/s/reports"
    assert settings.lock_path == "/s/lock"
    assert settings.tree_path("client7") == "/srv/etc-client7"


def test_relative_paths_start_at_the_settings_folder(tmp_path) -> None:
    text = (
        'state_dir = "state"\n[upstream]\nroot = "./root/../root"\n'
        '[trees]\npath = "trees/{client}/etc"\n[policy]\nfiles = ["mine.toml"]\n'
    )
    (tmp_path / "etcsync.toml").write_text(text)
    settings = load_settings(str(tmp_path / "etcsync.toml"))
    assert settings.source == str(tmp_path / "etcsync.toml")
    assert settings.state_dir == f"{tmp_path}/state"
    assert settings.upstream.etc == f"{tmp_path}/root/etc"
    assert settings.boot.source == f"{tmp_path}/root/boot"
    assert settings.trees.staging == f"{tmp_path}/trees/.etcsync"
    assert settings.tree_path("c") == f"{tmp_path}/trees/c/etc"
    assert settings.policy.files == (f"{tmp_path}/mine.toml",)


def test_the_file_is_named_by_argument_then_environment(tmp_path, monkeypatch) -> None:
    for name in ("argument", "environment"):
        (tmp_path / name).write_text(f'[upstream]\nroot = "/{name}"\n')
    monkeypatch.setenv("ETCSYNC_CONFIG", str(tmp_path / "environment"))
    assert load_settings(str(tmp_path / "argument")).upstream.root == "/argument"
    assert load_settings().upstream.root == "/environment"
    monkeypatch.chdir(tmp_path)
    assert load_settings("argument").source == str(tmp_path / "argument")


def test_a_missing_file_points_to_init(tmp_path) -> None:
    with pytest.raises(SettingsError, match="there is no settings file") as caught:
        load_settings(str(tmp_path / "nothing"))
    assert "etcsync init --root" in (caught.value.hint or "")


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a = ", b"a = 1\na = 2", b"x = " + b"[" * 9999])
def test_what_is_not_toml_text_is_refused(tmp_path, content) -> None:
    (tmp_path / "bad").write_bytes(content)
    with pytest.raises(SettingsError, match="is not"):
        load_settings(str(tmp_path / "bad"))


def test_a_directory_is_not_a_settings_file(tmp_path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings(str(tmp_path))


def test_a_syntax_error_names_line_and_column() -> None:
    [message] = refused("a = 1\nb = \n")
    assert SOURCE in message
    assert "at line 2, column 5" in message


def test_settings_never_change() -> None:
    settings = parse_settings(MINIMAL, SOURCE)
    with pytest.raises(ValueError, match="frozen"):
        settings.state_dir = "/elsewhere"


def test_an_unknown_key_is_named_with_place_line_and_the_nearest_key() -> None:
    assert refused(MINIMAL + '[daemon]\nintervall = "5m"\n') == [
        f"{SOURCE}, line 4, [daemon]: unknown key 'intervall'; did you mean 'interval'?"
    ]
    assert "did you mean 'interval'?" in refused(MINIMAL + '[daemon]\nINTERVAL = "5m"\n')[0]
    assert refused('stat_dir = "/x"\n' + MINIMAL) == [
        f"{SOURCE}, line 1: unknown key 'stat_dir'; did you mean 'state_dir'?"
    ]
    assert refused(clients('name = "client2"\nadress = "10.0.0.1"')) == [
        f"{SOURCE}, line 6, clients[0] (\"client2\"): unknown key 'adress'; did you mean 'address'?"
    ]


def test_where_no_key_is_near_all_are_listed() -> None:
    [message] = refused(MINIMAL + "[daemon]\nzzz = 1\n")
    assert message.endswith("unknown key 'zzz'; valid: interval, settle, listen")


def test_the_source_cannot_be_set_from_the_file() -> None:
    assert "unknown key 'source'" in refused('source = "/x"\n' + MINIMAL)[0]
    assert "unknown key '_source'" in refused('_source = "/x"\n' + MINIMAL)[0]


def test_all_errors_are_listed_in_the_order_of_the_file() -> None:
    messages = refused(
        MINIMAL + '[limits]\nmax_delete_percent = "25"\n[daemon]\nsettle = -1\nx = 1\n'
        '[[clients]]\naddress = "10.0.0.1"\n'
    )
    assert [re.findall(r"line (\d+)", message) for message in messages] == [
        ["4"], ["6"], ["7"], ["8"],
    ]  # fmt: skip
    assert "'name' is missing" in messages[3]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "'upstream' is missing"),
        ("[upstream]\n", "[upstream]: 'root' is missing"),
        ('[upstream]\nroot = ""\n', "root: is not a path"),
        ("[upstream]\nroot = 7\n", "root must be text in quotes"),
        ("upstream = 3\n", "upstream must be a table"),
        (MINIMAL + 'auto_commit = "yes"\n', "auto_commit must be true or false"),
        (MINIMAL + '[trees]\npath = "/srv/etc"\n', "must contain {client}"),
        (MINIMAL + '[trees]\npath = "/srv/{client}/../etc"\n', "must contain {client}"),
        (MINIMAL + '[server]\naddress = "here"\n', "does not appear to be an IPv4 or IPv6"),
        (MINIMAL + '[server]\nnetwork = "10.0.0.0/99"\n', "does not appear to be"),
        (MINIMAL + '[exports]\ncommand = "exportfs -ra"\n', "command must be a list"),
        (MINIMAL + '[exports]\nroot_options = "rw) *(rw"\n', "are not export options"),
        (MINIMAL + "[policy]\npacks = [1]\n", "packs[0] must be text in quotes"),
        (MINIMAL + '[limits]\nmax_file_size = "8 potatoes"\n', "is not a size"),
        (MINIMAL + "[limits]\nmax_delete_percent = 101\n", "less than or equal to 100"),
        (MINIMAL + '[daemon]\ninterval = "soon"\n', "is not a duration"),
        (MINIMAL + "[daemon]\ninterval = 0\n", "must be longer than 0"),
        (MINIMAL + '[daemon]\nlisten = "9418"\n', "is not host:port"),
        (MINIMAL + '[daemon]\nlisten = "localhost:99999"\n', "is not host:port"),
        (MINIMAL + '[boot]\nwriter = "client0"\n', "there is no client 'client0'"),
        (MINIMAL + '[clients]\nname = "a"\n', "clients must be a list"),
    ],
)
def test_a_wrong_value_is_refused_with_a_reason(text, words) -> None:
    assert any(words in message for message in refused(text))


@pytest.mark.parametrize(
    "name",
    ["", "-a", "a-", ".a", "a.", "a..b", "a/b", "a b", "a.lock", "é", "a\\n", "a" * 64, "upstream"],
)
def test_names_that_fit_no_host_directory_or_branch_are_refused(name) -> None:
    assert "name: " in refused(client(f'name = "{name}"'))[0]


@pytest.mark.parametrize("name", ["a", "client0", "node-1.rack_2", "7", "a" * 63, "Upstream2"])
def test_names_of_hosts_are_taken(name) -> None:
    assert parse_settings(client(f'name = "{name}"'), SOURCE).clients[0].name == name


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("192.168.78.50", "192.168.78.50"),
        ("FE80:0:0:0::1", "fe80::1"),
        ("10.0.0.7/24", "10.0.0.0/24"),
        ("Node1.Cluster.example", "node1.cluster.example"),
        ("", ""),
    ],
)
def test_addresses_are_read_into_one_form(written, read) -> None:
    text = client('name = "a"', f'address = "{written}"')
    assert parse_settings(text, SOURCE).clients[0].address == read


@pytest.mark.parametrize("address", ["192.168.78.300", "-x", "a b", "*", "@group", "1.2.3"])
def test_what_is_no_address_is_refused(address) -> None:
    assert "neither an IP address" in refused(client('name = "a"', f'address = "{address}"'))[0]


@pytest.mark.parametrize(
    "written", ["00:E0:66:59:89:84", "00-e0-66-59-89-84", "00e0.6659.8984", "00e066598984"]
)
def test_mac_addresses_are_read_into_one_form(written) -> None:
    settings = parse_settings(client('name = "a"', f'mac = "{written}"'), SOURCE)
    assert settings.clients[0].mac == "00:e0:66:59:89:84"


@pytest.mark.parametrize("mac", ["00:e0", "00:e0:66:59:89:8g", "00:e0:66:59:89:84:00"])
def test_what_is_no_mac_address_is_refused(mac) -> None:
    assert "is not a MAC address" in refused(client('name = "a"', f'mac = "{mac}"'))[0]


def test_no_two_clients_share_name_address_or_mac() -> None:
    messages = refused(
        clients(
            'name = "a"\naddress = "10.0.0.1"\nmac = "00:00:00:00:00:0A"',
            'name = "b"\naddress = "10.0.0.1"\nmac = "00-00-00-00-00-0a"',
            'name = "a"',
        )
    )
    text = "\n".join(messages)
    assert "clients[2] (\"a\"): name 'a' is taken by clients[0] already" in text
    assert "line 11, clients[1] (\"b\"): address '10.0.0.1' is taken by clients[0] already" in text
    assert "mac '00:00:00:00:00:0a' is taken" in text


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ('[trees]\npath = "/srv/root/{client}"', "the tree of 'etc' is upstream.etc"),
        ('[trees]\npath = "/srv/root/etc/{client}"', "lies in upstream.etc"),
        ('[trees]\npath = "/var/lib/etcsync/{client}"', "lies in state_dir"),
        ('[trees]\npath = "/s/{client}"\nstaging = "/s"', "lies in trees.staging"),
        ('[trees]\npath = "/s/{client}"\nstaging = "/s/etc/new"', "lies in the tree of 'etc'"),
        ('[trees]\npath = "//srv/root/./{client}"', "is upstream.etc"),
        ('[trees]\nstaging = "/"', "the tree of 'etc' (/srv/etc-etc) lies in trees.staging (/)"),
        ('[trees]\nstaging = "/var/lib/etcsync"', "trees.staging is state_dir"),
        ('[trees]\nstaging = "/srv/root/etc/new"', "trees.staging (/srv/root/etc/new) lies in"),
    ],
)
def test_trees_lie_apart_from_all_that_is_not_theirs(lines, words) -> None:
    text = f'{MINIMAL}{lines}\n[[clients]]\nname = "etc"\n'
    assert any(words in message for message in refused(text))


def test_staging_may_lie_in_the_state_directory() -> None:
    text = MINIMAL + '[trees]\nstaging = "/var/lib/etcsync/new"\n'
    assert parse_settings(text, SOURCE).trees.staging == "/var/lib/etcsync/new"


def test_a_client_is_found_by_name_and_a_wrong_name_is_helped() -> None:
    settings = parse_settings(clients('name = "client0"', 'name = "kiosk"'), SOURCE)
    assert settings.client("kiosk").name == "kiosk"
    with pytest.raises(UsageError, match="did you mean 'client0'"):
        settings.client("clinet0")


def test_values_are_shown_without_control_characters() -> None:
    [message] = refused(client(r'name = "a\u001b[31m\u202e"'))
    assert message.isprintable()


def test_three_thousand_clients_are_read_quickly_even_when_all_are_wrong() -> None:
    tables = [f'name = "c{i}"\naddress = "10.{i >> 8}.{i & 255}.1"\nbad = 1' for i in range(3000)]
    started = os.times().user
    messages = refused(clients(*tables))
    assert len(messages) == 3000
    assert os.times().user - started < 5


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("5m", 300), ("1s", 1), ("2h30m", 9000), ("1d", 86400), (90, 90), ("90", 90), (1.5, 1.5),
        ("500ms", 0.5), ("1w", 604800), ("1.5h", 5400), (0, 0),
    ],
)  # fmt: skip
def test_durations_are_seconds(written, seconds) -> None:
    assert parse_duration(written) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "written", ["", "m", "5 m", "-5m", "5x", "1h-3m", -1, True, None, "٣m", "9" * 400 + "d"]
)
def test_what_is_no_duration_is_refused(written) -> None:
    with pytest.raises(ValueError, match=r"duration|waited"):
        parse_duration(written)


@pytest.mark.parametrize(
    ("written", "count"),
    [
        ("8MiB", 8 << 20), ("10MB", 10_000_000), ("512K", 512 << 10), ("1.5KiB", 1536), (7, 7),
        ("7", 7), ("2 GiB", 2 << 30), ("3B", 3),
    ],
)  # fmt: skip
def test_sizes_are_bytes(written, count) -> None:
    assert parse_size(written) == count


@pytest.mark.parametrize("written", ["", "MiB", "8 potatoes", "-1", -1, True, 1.5, None, "8mib"])
def test_what_is_no_size_is_refused(written) -> None:
    with pytest.raises(ValueError, match="is not a size"):
        parse_size(written)
