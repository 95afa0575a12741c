"""The shipped rules: what they make of the paths that each distribution really has."""

import os
from fnmatch import fnmatchcase
from itertools import product

import pytest

from etcsync.errors import SettingsError
from etcsync.plan.keyed import ACCOUNT_FILES, format_for
from etcsync.plan.keyed.formats import TABLE_FOLDERS, TABLE_PATHS
from etcsync.policy.check import check
from etcsync.policy.packs import available_packs, load_pack, pack_for_os_release
from etcsync.policy.policy import Policy
from etcsync.policy.treatment import Promote, Treatment

HERE = os.path.dirname(__file__)
FIXTURES = os.path.join(HERE, "..", "fixtures", "etc-listings")
PACKS = {"arch": "arch-etc", "debian": "debian-12-etc", "rhel": "rhel-etc", "suse": "suse-etc"}


def policy(pack: str) -> Policy:
    packs = ("base",) if pack == "base" else ("base", pack)
    return Policy([rule for name in packs for rule in load_pack(name)], "client0")


POLICIES = {pack: policy(pack) for pack in ("base", *PACKS)}


def treat(pack: str, path: str) -> Treatment:
    return POLICIES[pack].treatment(path.rstrip("/"), directory=path.endswith("/"))


def listing(pack: str) -> list[str]:
    with open(os.path.join(FIXTURES, f"{PACKS[pack]}.txt")) as file:
        return file.read().splitlines()


# What a path is treated with, by the first pattern that matches (shell patterns, `*` crosses `/`);
# all else is merged.
STRATEGIES = {
    "*.pacnew": "ignore", "*.pacsave": "ignore", "*.pacsave.1": "ignore", "*.rpmnew": "ignore",
    "*.rpmsave": "ignore", "*.YaST2save": "ignore", "*~": "ignore",
    ".etckeeper": "upstream", ".pwd.lock": "ignore", ".updated": "ignore",
    "*.YaST2.save": "ignore", "*.yast2orig": "ignore", "lvm/.cache": "ignore",
    "iscsi/lock": "ignore", "audit/audit.rules.prev": "ignore",
    "passwd-": "ignore", "group-": "ignore", "shadow-": "ignore", "gshadow-": "ignore",
    "subuid-": "ignore", "subgid-": "ignore",
    "passwd": "keyed", "group": "keyed", "shadow": "keyed", "gshadow": "keyed", "subuid": "keyed",
    "subgid": "keyed",
    "pacman.d/gnupg/*": "ignore", "init.d/.depend*": "ignore",
    "ld.so.cache": "mirror", "udev/hwdb.bin": "mirror", "mtab": "mirror",
    "machine-id": "client", "hostname": "client", "HOSTNAME": "client", "fstab": "client",
    "crypttab": "client", "mdadm.conf": "client", "adjtime": "client", "ssh/ssh_host_*": "client",
    "iscsi/initiatorname.iscsi": "client", "nvme/host*": "client", "lvm/devices/*": "client",
    "lvm/backup/*": "client", "lvm/archive/*": "client", "krb5.keytab": "client",
    "udev/rules.d/70-persistent-*": "client", "salt/minion_id": "client", "salt/pki/*": "client",
    "puppetlabs/puppet/ssl/*": "client", "ipa/*": "client", "kubernetes/*": "client",
    "security/opasswd": "client", "insights-client/machine-id": "client",
    "pki/consumer/*": "client", "pki/entitlement/*": "client", "*/localhost.key": "client",
    "*/localhost.crt": "client",
    "crypttab.initramfs": "client", "iscsi/nodes/*": "client", "iscsi/send_targets/*": "client",
    "dhcpcd.duid": "client", "dhcpcd.secret": "client", "asound.state": "client",
    "cups/ssl/*": "client", "machine-info": "client",
    "netctl/examples/*": "upstream", "netctl/*": "client", "NetworkManager/system-*": "client",
    "wpa_supplicant/*": "client", "sysconfig/network-scripts/ifup*": "upstream",
    "sysconfig/network-scripts/ifdown*": "upstream",
    "sysconfig/network-scripts/network-functions": "upstream",
    "sysconfig/network-scripts/*": "client", "sysconfig/network/ifcfg-*": "client",
    "sysconfig/network/ifroute-*": "client", "sysconfig/network/routes": "client",
    "sysconfig/network/providers/*": "client",
    "pacman.conf": "merge", "pacman.d/*": "upstream", "makepkg.conf*": "merge",
    "apt/*": "upstream", "dpkg/*": "upstream", "ucf.conf": "upstream",
    "debian_version": "upstream", "dnf/*": "upstream", "yum*": "upstream", "zypp/*": "upstream",
    "rpm/*": "upstream", "pki/rpm-gpg/*": "upstream", "pki/product*": "upstream",
    "products.d/*": "upstream", "SUSEConnect": "upstream", "alternatives/*": "upstream",
    "*-release": "upstream", "system-release-cpe": "upstream",
    "centos-release-upstream": "upstream", "SuSE-brand": "upstream",
    "ca-certificates/extracted/*": "upstream", "pki/ca-trust/extracted/*": "upstream",
    "ssl/certs/*": "upstream", "selinux/*/policy/*": "upstream", "selinux/*.bin": "upstream",
    "selinux/*/active/*": "upstream", "selinux/*/.policy.sha512": "upstream",
    "localtime": "atomic", "resolv.conf": "atomic", "*.wants/*": "atomic", "*.requires/*": "atomic",
    "rc?.d/*": "atomic", "rc.d/rc?.d/*": "atomic", "init.d/rc?.d/*": "atomic",
    "*.crt": "atomic", "*.pem": "atomic",
    "*.db": "atomic", "lesskey.bin": "atomic", "*.crl": "atomic", "trusted-key.key": "atomic",
    "*.gz": "atomic", "chrony.keys": "merge", "shells": "union",
    "hosts": "keyed", "networks": "keyed", "ethers": "keyed", "services": "keyed",
    "protocols": "keyed", "rpc": "keyed", "ethertypes": "keyed", "aliases": "keyed",
    "mail/aliases": "keyed",
    "postfix/aliases": "keyed", "exports": "keyed", "exports.d/*.exports": "keyed",
    "nsswitch.conf": "keyed", "sysctl.conf": "keyed", "sysctl.d/*.conf": "keyed",
    "environment": "keyed", "environment.d/*.conf": "keyed", "locale.conf": "keyed",
    "vconsole.conf": "keyed", "login.defs": "keyed", "host.conf": "keyed", "modules": "keyed",
    "modules-load.d/*.conf": "keyed", "at.allow": "keyed", "at.deny": "keyed",
    "cron.allow": "keyed", "cron.deny": "keyed", "ftpusers": "keyed", "securetty": "keyed",
}  # fmt: skip
PACMAN = {"pacman.conf": "upstream", "makepkg.conf*": "upstream"}


def expected_strategy(pack: str, path: str) -> str:
    table = (PACMAN if pack == "arch" else {}) | {
        pattern: strategy
        for pattern, strategy in STRATEGIES.items()
        if not (pack == "arch" and pattern in PACMAN)
    }
    found = (s for pattern, s in table.items() if fnmatchcase(path.removesuffix("/"), pattern)
             or (path.endswith("/") and fnmatchcase(path, pattern)))  # fmt: skip
    return next(found, "merge")


@pytest.mark.parametrize("pack", PACKS)
def test_every_path_of_a_distribution_has_the_strategy_of_its_class(pack) -> None:
    wrong = {
        path: str(treat(pack, path).strategy)
        for path in listing(pack)
        if treat(pack, path).strategy != expected_strategy(pack, path)
    }
    assert wrong == {}


CLASSES = {
    "client": [
        "machine-id", "machine-info", "hostname", "HOSTNAME", "hostid", "adjtime", "fstab",
        "crypttab", "mdadm.conf", "iscsi/initiatorname.iscsi", "nvme/hostnqn", "nvme/hostid",
        "lvm/devices/a", "lvm/backup/a", "lvm/archive/a", "zfs/zpool.cache",
        "udev/rules.d/70-persistent-net.rules",
        "salt/minion_id", "ssh/ssh_host_rsa_key", "ssh/ssh_host_rsa_key.pub", "krb5.keytab",
        "app/a.keytab", "puppet/ssl/a", "puppetlabs/puppet/ssl/a", "ipa/a", "salt/pki/a",
        "kubernetes/a", "security/opasswd", "NetworkManager/system-connections/a", "wireguard/a",
        "wpa_supplicant/a", "dhcpcd.duid", "iscsi/nodes/a/b/default", "iscsi/send_targets/a/b",
    ],
    "upstream": [
        "munge/munge.key", "corosync/authkey", "ceph/a.keyring", "slurm/a.key", "os-release",
        "alternatives/a", "ssl/certs/a.pem", "selinux/targeted/policy/policy.33", ".etckeeper",
    ],
    "keyed": ["passwd", "group", "shadow", "gshadow", "subuid", "subgid"],
    "ignore": [
        "passwd-", "group-", "shadow-", "gshadow-", "subuid-", "subgid-", ".pwd.lock", ".updated",
        ".git", "blkid.tab", "blkid.tab.old", "nologin", "a/a.LOCK", "fake-hwclock.data",
        "cups/subscriptions.conf", "cups/subscriptions.conf.O",
    ],
    "mirror": ["ld.so.cache", "udev/hwdb.bin", "mtab"],
    "atomic": [
        "localtime", "resolv.conf", "systemd/system/a.target.wants/b",
        "systemd/user/a.target.requires/b", "rc3.d/S01a", "rc.d/rc3.d/S01a", "init.d/rc3.d/S01a",
    ],
    "merge": [
        "systemd/network/a.network", "sudoers", "sudoers.d/a", "ssh/sshd_config",
        "ssh/sshd_config.d/a.conf", "nftables.conf",
    ],
}  # fmt: skip
OWN_CLASSES = {
    "arch": {
        "client": ["netctl/a", "netctl/interfaces/a", "crypttab.initramfs"],
        "upstream": [
            "pacman.conf", "pacman.d/mirrorlist", "pacman.d/hooks/a.hook", "makepkg.conf",
            "makepkg.conf.d/a.conf", "ca-certificates/extracted/a.pem",
        ],
        "ignore": ["pacman.d/gnupg/pubring.gpg", "pacman.d/gnupg/"],
    },
    "debian": {
        "client": ["network/interfaces", "network/interfaces.d/a", "netplan/a.yaml"],
        "upstream": ["apt/sources.list", "apt/apt.conf.d/a", "dpkg/dpkg.cfg"],
    },
    "rhel": {
        "client": ["sysconfig/network-scripts/ifcfg-a", "sysconfig/network-scripts/route-a"],
        "upstream": [
            "yum.repos.d/a.repo", "dnf/dnf.conf", "pki/rpm-gpg/a", "yum.conf",
            "pki/ca-trust/extracted/pem/a.pem", "selinux/targeted/active/modules/100/a/cil",
        ],
    },
    "suse": {
        "client": [
            "sysconfig/network/ifcfg-a", "sysconfig/network/ifroute-a", "sysconfig/network/routes",
        ],
        "upstream": ["zypp/zypp.conf", "zypp/repos.d/a.repo", "pki/rpm-gpg/a", "products.d/a.prod"],
        "merge": ["sysconfig/network/config", "sysconfig/network/ifcfg.template"],
    },
}  # fmt: skip


@pytest.mark.parametrize("pack", POLICIES)
def test_every_class_of_paths_has_its_strategy(pack) -> None:
    for classes in (CLASSES, OWN_CLASSES.get(pack, {})):
        for strategy, paths in classes.items():
            assert {p: str(treat(pack, p).strategy) for p in paths} == dict.fromkeys(
                paths, strategy
            )


SECRET = [
    "smbpasswd", "samba/smbpasswd", "openldap/certs/password", "iscsi/nodes/a/b/default",
    "dhcpcd.secret",
    "shadow.YaST2save", "gshadow.pacnew",
    "shadow", "gshadow", "shadow-", "gshadow-", "passwd-", "ssh/ssh_host_rsa_key", "krb5.keytab",
    "app/x.keytab", "puppet/ssl/a", "puppetlabs/puppet/ssl/a", "ipa/default.conf", "salt/pki/a/b",
    "kubernetes/admin.conf", "security/opasswd", "NetworkManager/system-connections/a",
    "wireguard/wg0.conf", "wpa_supplicant/a.conf", "munge/munge.key", "corosync/authkey",
    "ceph/client.keyring", "slurm/jwt.key", "ssl/private/a.pem", "ssl/private/", "any/a.key",
    "any/a.p12", "any/a.pfx", "any/credentials", "my-credentials.conf", "any/secret.yml",
    "ppp/chap-secrets", "ppp/pap-secrets", "letsencrypt/live/a/privkey.pem", "ipsec.secrets",
    "apache2/.htpasswd", "postfix/sasl_passwd", "pki/nssdb/key4.db",
]  # fmt: skip
NOT_SECRET = [
    "passwd", "group", "ssh/ssh_host_rsa_key.pub", "ssh/sshd_config", "hostname", "machine-id",
    "ssl/certs/a.pem", "sudoers", "keyboard", "pam.d/common-password", "fstab", "cups/cupsd.conf",
]  # fmt: skip


@pytest.mark.parametrize("pack", POLICIES)
def test_secrets_are_known_by_their_paths(pack) -> None:
    assert [path for path in SECRET if not treat(pack, path).secret] == []
    assert [path for path in NOT_SECRET if treat(pack, path).secret] == []


@pytest.mark.parametrize(
    ("pack", "path"),
    [
        ("arch", "pacman.d/gnupg/secring.gpg"),
        ("debian", "apt/auth.conf.d/x"),
        ("arch", "netctl/home"),
        ("debian", "netplan/01-netcfg.yaml"),
        ("debian", "mysql/debian.cnf"),
        ("rhel", "sysconfig/network-scripts/keys-home"),
        ("rhel", "pki/consumer/key.pem"),
        ("suse", "zypp/credentials.d/SCCcredentials"),
        ("suse", "sysconfig/network/providers/mobile"),
    ],
)
def test_a_distributions_own_secrets_are_known(pack, path) -> None:
    assert treat(pack, path).secret


def test_what_everybody_may_know_is_not_secret_for_its_name() -> None:
    for path in ("trusted-key.key", "netctl/examples/wireless-wpa"):
        assert not treat("arch", path).secret, path


@pytest.mark.parametrize("pack", POLICIES)
def test_a_secret_is_never_promoted_unless_named(pack) -> None:
    paths = SECRET + (listing(pack) if pack in PACKS else [])
    found = {path: treat(pack, path) for path in paths}
    assert [path for path, t in found.items() if t.secret and t.promote is Promote.YES] == []


@pytest.mark.parametrize("pack", POLICIES)
def test_accounts_are_one_group(pack) -> None:
    for path in ("passwd", "group", "shadow", "gshadow", "subuid", "subgid"):
        found = treat(pack, path)
        assert (found.strategy, found.group, found.promote) == ("keyed", "accounts", "named")
    assert treat(pack, "skel/passwd").group is None
    assert treat(pack, "passwd-").group is None


@pytest.mark.parametrize("pack", POLICIES)
def test_tables_merge_by_record_unless_one_side_owns_them_or_all_lines_stay(pack) -> None:
    others = {"fstab": "client", "crypttab": "client", "shells": "union", "locale.gen": "merge"}
    folders = [f"{folder}/a{ending}" for folder, ending in TABLE_FOLDERS]
    for path in [*TABLE_PATHS, *folders]:
        assert treat(pack, path).strategy == others.get(path, "keyed"), path
        assert format_for(path), path


@pytest.mark.parametrize("pack", POLICIES)
def test_every_file_that_the_packs_call_keyed_has_a_format(pack) -> None:
    for rule in (rule for name in {"base", pack} for rule in load_pack(name)):
        if rule.effects.get("strategy") == "keyed":
            paths = [path.lstrip("/").replace("*", "a") for path in rule.paths]
            assert [p for p in paths if not format_for(p) and p not in ACCOUNT_FILES] == []


@pytest.mark.parametrize("path", ["skel/hosts", "hosts.allow", "hosts.deny", "sysctl.d/README"])
def test_what_only_looks_like_a_table_is_merged_by_line(path) -> None:
    assert treat("base", path).strategy == "merge"


@pytest.mark.parametrize("pack", POLICIES)
def test_what_lets_people_in_is_promoted_only_when_named(pack) -> None:
    for path in (
        "sudoers", "sudoers.d/wheel", "pam.d/sshd", "ld.so.preload", "profile.d/x.sh", "crontab",
        "cron.d/x", "cron.daily/x", "systemd/system/x.service", "ssh/sshd_config", "ssh/ssh_config",
        "systemd/system/multi-user.target.wants/x.service", "init.d/x", "rc.d/init.d/x", "rc.local",
        "NetworkManager/dispatcher.d/x", "dhcp/dhclient-exit-hooks.d/x", "ppp/ip-up.d/x",
    ):  # fmt: skip
        assert treat(pack, path).promote is Promote.NAMED, path
    for path in ("motd", "hosts", "nsswitch.conf", "systemd/network/a.network", "logrotate.d/x"):
        assert treat(pack, path).promote is Promote.YES, path


@pytest.mark.parametrize("pack", POLICIES)
def test_the_identity_of_one_machine_is_never_promoted(pack) -> None:
    for path in ("machine-id", "hostname", "ssh/ssh_host_rsa_key.pub", "krb5.keytab", "hostid"):
        assert treat(pack, path).promote is Promote.NEVER, path


@pytest.mark.parametrize("pack", POLICIES)
def test_new_trees_get_an_identity_of_their_own(pack) -> None:
    assert treat(pack, "hostname").seed == "{name}\n"
    assert treat(pack, "machine-id").seed == "{uuid}\n"
    for path in (
        "ssh/ssh_host_ed25519_key", "ssh/ssh_host_ed25519_key.pub", "krb5.keytab", "hostid",
        "machine-info", "iscsi/initiatorname.iscsi", "nvme/hostnqn", "salt/minion_id",
        "salt/pki/minion.pem", "wireguard/wg0.conf", "puppet/ssl/private_keys/a.pem",
    ):  # fmt: skip
        assert treat(pack, path).seed is False, path
    for path in ("fstab", "motd", "ssh/sshd_config", "wireguard/", "NetworkManager/"):
        assert treat(pack, path).seed is None, path


UNITS = ("service", "socket", "timer", "path", "target", "slice")


@pytest.mark.parametrize("pack", POLICIES)
def test_what_is_merged_is_checked_by_the_program_that_reads_it(pack) -> None:
    def command(path: str) -> str:
        found = treat(pack, path).validate
        assert found is None or any("{file}" in word for word in found)
        return " ".join(found or ()).replace("\n", " ")

    assert command("sudoers") == "visudo -csf {file}"
    assert command("sudoers.d/wheel") == "visudo -cf {file}"
    assert command("nftables.conf") == "nft -c -f {file}"
    assert '/usr/sbin/sshd -t -f "$1"' in command("ssh/sshd_config")
    assert command("ssh/sshd_config.d/a.conf") == command("ssh/sshd_config")
    units = [f"systemd/system/a.{kind}" for kind in UNITS]
    assert all("systemd-analyze verify --man=no" in command(unit) for unit in units)
    assert command("NetworkManager/NetworkManager.conf").startswith("NetworkManager --print-config")
    assert command("NetworkManager/conf.d/a.conf").startswith("NetworkManager --print-config")
    for path in ("a.mount", "a.automount", "a.swap", "a.service.d/b.conf"):
        assert command(f"systemd/system/{path}") == ""
    assert command("pacman.conf") == command("systemd/journald.conf") == ""
    assert command("ssh/ssh_config") == command("motd") == command("ssh/ssh_host_rsa_key") == ""


LEFT_OVERS = ["a~", ".a.swp", ".a.swx", "#a#", ".#a", ".nfs00000000007d02bf00000001"]
OWN_LEFT_OVERS = {
    "base": [
        "._cfg0000_a",
        "a.pacnew",
        "a.pacsave",
        "a.pacsave.2",
        "a.pacorig",
        "a.dpkg-dist",
        "a.dpkg-new",
        "a.ucf-dist",
        "a.rpmnew",
        "a.rpmsave",
        "a.rpmorig",
    ],
    "arch": ["a.pacnew", "a.pacsave", "a.pacsave.2", "a.pacorig"],
    "debian": ["a.dpkg-old", "a.dpkg-dist", "a.dpkg-new", "a.ucf-dist"],
    "rhel": ["a.rpmnew", "a.rpmsave", "a.rpmorig"],
    "suse": [
        "a.rpmnew",
        "a.rpmsave",
        "a.rpmorig",
        "a.YaST2save",
        "shadow.YaST2save",
        "a.yast2save",
    ],
}


@pytest.mark.parametrize("pack", POLICIES)
def test_left_overs_are_ignored_in_every_directory(pack) -> None:
    folders = {path for path in (listing(pack) if pack in PACKS else []) if path.endswith("/")}
    folders |= {
        "",
        "ssh/",
        "netctl/",
        "apt/",
        "pki/rpm-gpg/",
        "zypp/",
        "pacman.d/",
        "alternatives/",
    }
    for folder, name in product(folders, LEFT_OVERS + OWN_LEFT_OVERS[pack]):
        found = treat(pack, folder + name)
        assert (found.strategy, found.promote) == ("ignore", "never"), folder + name


@pytest.mark.parametrize("pack", POLICIES)
def test_what_a_running_system_notes_for_itself_is_ignored(pack) -> None:
    for path in (
        ".updated", ".pwd.lock", "passwd-", "shadow-", "blkid.tab", "blkid.tab.old", "nologin",
        "app/a.LOCK", "fake-hwclock.data", "cups/subscriptions.conf", "cups/subscriptions.conf.O",
        "etcsync/policy.d/a.toml", "etcsync/", "app/.git/", ".git", "shadow+",
    ):  # fmt: skip
        assert treat(pack, path).strategy == "ignore", path


@pytest.mark.parametrize("pack", POLICIES)
def test_shared_cluster_secrets_are_upstreams(pack) -> None:
    for path in ("munge/munge.key", "corosync/authkey", "ceph/a.keyring", "slurm/jwt.key"):
        assert treat(pack, path).strategy == "upstream", path


@pytest.mark.parametrize("pack", POLICIES)
def test_networks_shared_by_match_are_merged(pack) -> None:
    assert treat(pack, "systemd/network/00-wired.network").strategy == "merge"
    assert treat(pack, ".gitignore").strategy == "merge"


@pytest.mark.parametrize(
    ("path", "pack"),
    [
        ("network/interfaces", "debian"),
        ("network/interfaces.d/eth0", "debian"),
        ("netplan/01-netcfg.yaml", "debian"),
        ("mailname", "debian"),
        ("mdadm/mdadm.conf", "debian"),
        ("ssl/certs/ssl-cert-snakeoil.pem", "debian"),
        ("netctl/home", "arch"),
        ("sysconfig/network-scripts/ifcfg-eth0", "rhel"),
        ("sysconfig/network/ifcfg-eth0", "suse"),
    ],
)
def test_a_distributions_own_places_belong_to_the_client(path, pack) -> None:
    assert treat(pack, path).strategy == "client"
    assert treat("base", path).strategy != "client"


def test_resolv_conf_may_differ() -> None:
    assert treat("base", "resolv.conf").expected
    assert not treat("base", "hosts").expected


@pytest.mark.parametrize("pack", available_packs())
def test_shipped_rules_pass_their_own_check_and_say_why(pack) -> None:
    with open(os.path.join(HERE, "..", "..", "policies", f"{pack}.toml")) as file:
        assert check([(pack, file.read())]) == ()
    for rule in load_pack(pack):
        quiet = rule.effects.keys() <= {"secret", "seed"}
        assert quiet or rule.effects.get("reason"), rule
        assert rule.source == f"pack {pack}"


def test_the_packs_are_found_the_common_one_first() -> None:
    assert available_packs() == ("base", "arch", "debian", "rhel", "suse")


@pytest.mark.parametrize("name", ["arhc", "../policies/base", "", "base.toml", "."])
def test_an_unknown_pack_is_refused_with_what_was_meant(name) -> None:
    with pytest.raises(SettingsError, match="there is no pack") as caught:
        load_pack(name)
    assert "arch" in caught.value.message or "base" in caught.value.message


@pytest.mark.parametrize(
    ("text", "packs"),
    [
        ("ID=arch\n", ("base", "arch")),
        ("NAME=X\nID=manjaro\nID_LIKE=arch\n", ("base", "arch")),
        ("ID=debian\nVERSION_ID=12\n", ("base", "debian")),
        ('ID=linuxmint\nID_LIKE="ubuntu debian"\n', ("base", "debian")),
        ('ID="rocky"\nID_LIKE="rhel centos fedora"\n', ("base", "rhel")),
        ("ID='almalinux'\n", ("base", "rhel")),
        ("ID=fedora\n", ("base", "rhel")),
        ('ID="opensuse-leap"\nID_LIKE="suse opensuse"\n', ("base", "suse")),
        ("ID=opensuse-tumbleweed\n", ("base", "suse")),
        ('ID="sles"\n', ("base", "suse")),
        ("VERSION_ID=arch\nID=gentoo\n# ID=debian\n", ("base",)),
        ("", ("base",)),
    ],
)
def test_packs_are_chosen_by_os_release(text, packs) -> None:
    assert pack_for_os_release(text) == packs
