"""A realistic /etc for the demonstration, the benchmarks and the tests.

The files look as those of a small Arch Linux root do: account files, a few services, links that
enable units, a private directory, an empty one, and a cache that git ignores.
"""

import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sample:
    """One file of the sample: its text and its permission bits."""

    text: str
    mode: int = 0o644


FILES = {
    ".gitignore": Sample("# begin section managed by etckeeper\nld.so.cache\nmtab\n*.pacnew\n"),
    "passwd": Sample(
        "root:x:0:0::/root:/usr/bin/bash\n"
        "bin:x:1:1::/:/usr/bin/nologin\n"
        "daemon:x:2:2::/:/usr/bin/nologin\n"
        "http:x:33:33::/srv/http:/usr/bin/nologin\n"
        "nobody:x:65534:65534:Kernel Overflow User:/:/usr/bin/nologin\n"
        "alice:x:1001:1001:Alice:/home/alice:/usr/bin/bash\n"
    ),
    "group": Sample(
        "root:x:0:root\nbin:x:1:daemon\ndaemon:x:2:bin\nwheel:x:998:alice\n"
        "http:x:33:\nnobody:x:65534:\nalice:x:1001:\n"
    ),
    "shadow": Sample(
        "root:!:19000::::::\nbin:!*:19000::::::\ndaemon:!*:19000::::::\n"
        "http:!*:19000::::::\nnobody:!*:19000::::::\nalice:!:19000:0:99999:7:::\n",
        0o600,
    ),
    "gshadow": Sample("root:::root\nwheel:!::alice\nhttp:!::\nalice:!::\n", 0o600),
    "hostname": Sample("root-image\n"),
    "hosts": Sample("127.0.0.1 localhost\n::1 localhost\n192.168.78.1 server\n"),
    "locale.conf": Sample("LANG=en_GB.UTF-8\n"),
    "motd": Sample("Welcome.\nThis machine boots from the network.\nAsk the desk for help.\n"),
    "chrony.conf": Sample(
        "# time from the server of this network\nserver 192.168.78.1 iburst\n\n"
        "driftfile /var/lib/chrony/drift\nmakestep 1.0 3\nrtcsync\n"
    ),
    "mkinitcpio.conf": Sample(
        "MODULES=()\nBINARIES=()\nFILES=()\n"
        "HOOKS=(base udev autodetect modconf net filesystems keyboard overlayfs etc)\n"
    ),
    "nsswitch.conf": Sample("passwd: files systemd\ngroup: files systemd\nhosts: files dns\n"),
    "pacman.conf": Sample("[options]\nHoldPkg = pacman glibc\n\n[core]\nInclude = mirrorlist\n"),
    "profile.d/editor.sh": Sample("export EDITOR=vim\n"),
    "ssh/sshd_config": Sample(
        "Port 22\nPermitRootLogin prohibit-password\nPasswordAuthentication yes\n"
        "X11Forwarding no\nSubsystem sftp /usr/lib/ssh/sftp-server\n"
    ),
    "ssl/private/server.key": Sample("not a key, only a place for one\n", 0o640),
    "sudoers": Sample("root ALL=(ALL:ALL) ALL\n%wheel ALL=(ALL:ALL) ALL\n", 0o440),
    "sysctl.d/10-net.conf": Sample("net.ipv4.ip_forward = 0\n"),
    "systemd/network/00-wired.network": Sample(
        "[Match]\nName=eth0\n\n[Network]\nDHCP=yes\nKeepConfiguration=yes\n"
    ),
    "vconsole.conf": Sample("KEYMAP=uk\n"),
}
LINKS = {
    "localtime": "/usr/share/zoneinfo/Europe/London",
    "systemd/system/multi-user.target.wants/sshd.service": "/usr/lib/systemd/system/sshd.service",
}
EMPTY_DIRECTORIES = ("binfmt.d", "modules-load.d")
DIRECTORY_MODES = {"ssl/private": 0o710}
IGNORED_FILES = {"ld.so.cache": Sample("a cache made of other files, version 1\n")}


def write_sample_etc(etc: str, *, padding: int = 0) -> None:
    """Write the sample into the directory ``etc``, which must exist and be empty.

    Args:
        etc: Where to write.
        padding: How many more small files to add, spread over directories of twenty, so that a
            benchmark has a tree of a real one's size.
    """
    padded = {
        f"conf.d/{n // 20:03}/{n:05}.conf": Sample(f"# setting {n}\nvalue = {n}\n")
        for n in range(padding)
    }
    for path, sample in {**FILES, **IGNORED_FILES, **padded}.items():
        place = os.path.join(etc, path)
        os.makedirs(os.path.dirname(place), exist_ok=True)
        with open(place, "w", encoding="utf-8") as stream:
            stream.write(sample.text)
        os.chmod(place, sample.mode)
    for path, target in LINKS.items():
        place = os.path.join(etc, path)
        os.makedirs(os.path.dirname(place), exist_ok=True)
        os.symlink(target, place)
    for path in EMPTY_DIRECTORIES:
        os.makedirs(os.path.join(etc, path))
    for path, mode in DIRECTORY_MODES.items():
        os.chmod(os.path.join(etc, path), mode)
