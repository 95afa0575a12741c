"""What a client or an administrator may do to an /etc: edits that are drawn, never by etcsync."""

import os
import shutil
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PATHS = (
    b"motd", b"hosts", b"chrony.conf", b"vconsole.conf", b"ssh/sshd_config", b"pacman.conf",
    b"a", b"a/b", b"a/b/c", b"d/x", b"d/y", b"localtime", b"sudoers", b"mkinitcpio.conf",
    b"ssl/private/server.key", b"sysctl.d/10-net.conf", b"sysctl.d", b"new\nline", b"-rf",
    b"caf\xe9", b"\x1b[31mred", b"*[glob]?", b"conf.d/10 a", b"locale.conf", b"nsswitch.conf",
)  # fmt: skip
HOSTILE_PATHS = (
    *PATHS, b".gitattributes", b".gitignore", b"d/.gitignore", b"GIT~1", b"d/.git", b".gitmodules",
    b"con\xe2\x80\xae", b"systemd/network", b"x" * 255,
)  # fmt: skip
MODES = (0o600, 0o640, 0o644, 0o755, 0o4755, 0o444)
TARGETS = ("/etc/passwd", "../../../outside/canary", "motd", "nowhere", ".", "\x1b]0;x\x07")
PATTERNS = ("*.conf\n", "a/\n", "!motd\n/d/*\n", "*\n", "[\n\\\n", "**/**/**/**/x\n")
BIG = 70_000
"""More bytes than the machine's limits.max_file_size."""


@dataclass
class Etc:
    """A directory that somebody edits; ``serial`` makes each content a new one."""

    top: Path
    name: str
    serial: int = 0

    def token(self) -> str:
        self.serial += 1
        return f"{self.name}-{self.serial}"

    def place(self, path: bytes) -> bytes:
        return os.path.join(os.fsencode(self.top), path)

    def make_way(self, path: bytes) -> bytes:
        """Make the directories above ``path``, whatever stood there; follow no link."""
        place = os.fsencode(self.top)
        *above, last = path.split(b"/")
        for name in above:
            place = os.path.join(place, name)
            if not _is_directory(place):
                _remove(place)
                os.mkdir(place)
        return os.path.join(place, last)


Edit = Callable[[Etc, bytes, int], set[bytes]]
"""Edits at a path; a number chooses among variants. Returns the paths that were touched."""


def write(etc: Etc, path: bytes, _variant: int) -> set[bytes]:
    place = etc.make_way(path)
    _remove(place)
    lines = "".join(f"key{n} = {etc.token()}\n" for n in range(6))
    Path(os.fsdecode(place)).write_text(lines)
    return {path}


def change_line(etc: Etc, path: bytes, variant: int) -> set[bytes]:
    place = etc.place(path)
    if not _is_file(etc, path):
        return write(etc, path, variant)
    with open(place, "rb") as stream:
        lines = stream.read().splitlines(keepends=True) or [b""]
    lines[variant % len(lines)] = f"changed by {etc.token()}\n".encode()
    with open(place, "wb") as stream:
        stream.write(b"".join(lines))
    return {path}


def add_line(etc: Etc, path: bytes, variant: int) -> set[bytes]:
    if not _is_file(etc, path):
        return write(etc, path, variant)
    with open(etc.place(path), "ab") as stream:
        stream.write(f"added by {etc.token()}".encode() + b"\n" * (variant % 2))
    return {path}


def write_odd(etc: Etc, path: bytes, variant: int) -> set[bytes]:
    """Write something empty, binary, enormous, or that looks like a conflict or a key."""
    contents = (
        b"",
        b"\0\xff" + etc.token().encode(),
        etc.token().encode() * (BIG // 6),
        b"<<<<<<< ours\n" + etc.token().encode() + b"\n=======\n>>>>>>> theirs\n",
        b"-----BEGIN PRIVATE KEY-----\n" + etc.token().encode() + b"\n",
        b"\x1b[2J" + etc.token().encode() + b"\r\n",
    )
    place = etc.make_way(path)
    _remove(place)
    with open(place, "wb") as stream:
        stream.write(contents[variant % len(contents)])
    return {path}


def delete(etc: Etc, path: bytes, _variant: int) -> set[bytes]:
    if not _reaches(etc, path):
        return set()
    _remove(etc.place(path))
    return {path}


def change_mode(etc: Etc, path: bytes, variant: int) -> set[bytes]:
    if not _reaches(etc, path) or os.path.islink(etc.place(path)):
        return set()
    mode = MODES[variant % len(MODES)]
    os.chmod(etc.place(path), mode | 0o700 if _is_directory(etc.place(path)) else mode)
    return {path}


def change_owner(etc: Etc, path: bytes, variant: int) -> set[bytes]:
    if os.geteuid() != 0 or not _reaches(etc, path) or os.path.islink(etc.place(path)):
        return set()
    os.chown(etc.place(path), (0, 33, 1001)[variant % 3], (0, 33, 998)[variant // 3 % 3])
    return {path}


def make_directory(etc: Etc, path: bytes, _variant: int) -> set[bytes]:
    place = etc.make_way(path)
    if not _is_directory(place):
        _remove(place)
        os.mkdir(place)
    return {path}


def make_link(etc: Etc, path: bytes, variant: int) -> set[bytes]:
    place = etc.make_way(path)
    _remove(place)
    os.symlink(TARGETS[variant % len(TARGETS)], place)
    return {path}


def rename(etc: Etc, path: bytes, variant: int) -> set[bytes]:
    new = PATHS[variant % len(PATHS)]
    if not _reaches(etc, path) or new.startswith(path) or path.startswith(new):
        return set()
    place = etc.make_way(new)
    if not _reaches(etc, path):
        return {new}
    _remove(place)
    os.rename(etc.place(path), place)
    return {path, new}


def make_special(etc: Etc, path: bytes, variant: int) -> set[bytes]:
    place = etc.make_way(path)
    _remove(place)
    if variant % 3 == 0 and os.geteuid() == 0:
        os.mknod(place, stat.S_IFCHR | 0o600, os.makedev(1, 5))
    else:
        os.mkfifo(place)
    return {path}


def make_hard_link(etc: Etc, path: bytes, variant: int) -> set[bytes]:
    source = PATHS[variant % len(PATHS)]
    if source == path or path.startswith(source + b"/") or not _is_file(etc, source):
        return set()
    place = etc.make_way(path)
    if not _is_file(etc, source):
        return {path}
    _remove(place)
    os.link(etc.place(source), place)
    return {path}


def write_rules(etc: Etc, path: bytes, variant: int) -> set[bytes]:
    """Write a ``.gitignore`` beside ``path``."""
    own = os.path.join(os.path.dirname(path), b".gitignore")
    place = etc.make_way(own)
    _remove(place)
    with open(place, "w") as stream:
        stream.write(f"# {etc.token()}\n" + PATTERNS[variant % len(PATTERNS)])
    return {own}


EDITS: tuple[Edit, ...] = (
    write, change_line, change_line, add_line, write_odd, delete, change_mode, change_owner,
    make_directory, make_link, rename,
)  # fmt: skip
HOSTILE_EDITS: tuple[Edit, ...] = (*EDITS, make_special, make_hard_link, write_rules)


def add_account(etc: Etc, variant: int) -> set[bytes]:
    """Add a user as useradd(8) does, or as much of it as there are files."""
    number = 900 - variant if etc.name == "upstream" else 1100 + variant
    name = f"user{number}"
    lines = {
        b"passwd": f"{name}:x:{number}:{number}::/:/bin/sh\n",
        b"group": f"{name}:x:{number}:\n",
        b"shadow": f"{name}:!:19700::::::\n",
        b"gshadow": f"{name}:!::\n",
    }
    if all(_is_file(etc, path) for path in lines):
        with open(etc.place(b"passwd")) as stream:
            if f"{name}:" in stream.read():
                return set()
        for path, line in lines.items():
            with open(etc.place(path), "a") as stream:
                stream.write(line)
        return set(lines)
    return set()


def _is_directory(place: bytes) -> bool:
    return os.path.isdir(place) and not os.path.islink(place)


def _reaches(etc: Etc, path: bytes) -> bool:
    """Whether something stands at ``path``, and no link leads there."""
    place = os.fsencode(etc.top)
    *above, last = path.split(b"/")
    for name in above:
        place = os.path.join(place, name)
        if not _is_directory(place):
            return False
    return os.path.lexists(os.path.join(place, last))


def _is_file(etc: Etc, path: bytes) -> bool:
    return _reaches(etc, path) and stat.S_ISREG(os.lstat(etc.place(path)).st_mode)


def _remove(place: bytes) -> None:
    if _is_directory(place):
        shutil.rmtree(place)
    elif os.path.lexists(place):
        os.unlink(place)
