"""The server's systemd unit, filled with what the settings say.

Formats: systemd.unit(5), systemd.service(5), systemd.exec(5), systemd.syntax(7).
"""

import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Mapping, Sequence

from etcsync.config import Settings
from etcsync.host.hooks.hook_file import HookFile, template
from etcsync.host.mounts import is_within
from etcsync.setting_types import CLIENT
from etcsync.shipped import shipped_folder

UNIT = "etc/systemd/system/etcsync.service"
ENABLED = "etc/systemd/system/multi-user.target.wants/etcsync.service"
"""The link that ``systemctl enable`` makes."""

NFS_STATE = "/var/lib/nfs"
"""Where exportfs keeps what is exported; exportfs(8)."""

HOMES = ("/home", "/root", "/run/user")
"""What ``ProtectHome=`` hides."""

TEMPORARY = ("/tmp", "/var/tmp")  # noqa: S108 - named, not used
"""What ``PrivateTmp=`` replaces."""

OWN_TMP = "PrivateTmp=yes"
SHARED_TMP = "PrivateTmp=no\nRuntimeDirectory=etcsync\nEnvironment=TMPDIR=/run/etcsync"
"""Where ``/tmp`` has to be seen as it is, it is not writable, and temporary files lie elsewhere."""

READ_ONLY_IF_FULL = ("/boot", "/efi", "/etc", "/usr")
"""What ``ProtectSystem=full`` forbids to write to."""

BACK_OFF = "RestartSteps=8\nRestartMaxDelaySec=5min"
BACK_OFF_SINCE = 254
"""The release of systemd that brought these; an older one warns of them whenever it reads them."""

_PLACEHOLDER = re.compile(r"@([A-Z_]+)@")
_PLAIN = re.compile(r"[\w/.,:=+-]+", re.ASCII)


def service_hook(settings: Settings, destination: str) -> HookFile:
    """Return the unit that runs etcsync with these settings.

    Args:
        settings: Those of the cluster; the trees' directories are looked at, to see which lie on
            one file system.
        destination: The directory that is ``/`` to systemd.
    """
    values = unit_values(settings)
    filled = _PLACEHOLDER.sub(lambda match: values[match[1]], template("systemd/etcsync.service"))
    return HookFile("systemd", destination, UNIT, filled.encode())


def unit_values(settings: Settings) -> Mapping[str, str]:
    """Return what stands in the unit for each placeholder of the template."""
    program = program_words()
    exchanging = [trees_folder(settings), settings.trees.staging, settings.upstream.etc]
    further = further_writable(settings)
    protect, writable = "strict", [*one_mount_each(exchanging), settings.state_dir, *further]
    if "/" in writable:
        protect = "full"
        writable = [path for path in further if _lies_in(path, READ_ONLY_IF_FULL)]
    needed = [
        *(*exchanging, settings.state_dir, *further, settings.upstream.root),
        *(program[0], sys.prefix, sys.base_prefix, shipped_folder("hooks")),
        *(settings.source, *settings.policy.files),
    ]
    mounts = [trees_folder(settings), settings.upstream.etc, settings.state_dir]
    steps = systemd_release() >= BACK_OFF_SINCE
    return {
        "BACK_OFF": f"RestartSec=5s\n{BACK_OFF}" if steps else "RestartSec=30s",
        "MOUNTS": _words(_outermost(mounts)),
        "PROGRAM": _words(program),
        "PROTECT_HOME": "read-only" if any(_lies_in(path, HOMES) for path in needed) else "yes",
        "PROTECT_SYSTEM": protect,
        "TEMPORARY": SHARED_TMP if any(_lies_in(path, TEMPORARY) for path in needed) else OWN_TMP,
        "SETTINGS": unit_word(settings.source).replace("$", "$$"),
        "WRITABLE": _words(_outermost(writable)),
    }


def trees_folder(settings: Settings) -> str:
    """Return the directory that holds all trees."""
    return os.path.dirname(settings.trees.path.partition(CLIENT)[0])


def further_writable(settings: Settings) -> list[str]:
    """Return the directories beside trees, upstream and state that the settings have written to.

    A ``-`` before a path says that it need not exist.
    """
    found = [f"-{os.path.dirname(settings.exports.file)}"]
    if settings.exports.command:
        found.append(f"-{NFS_STATE}")
    if settings.boot.writer:
        found += [os.path.dirname(settings.boot.fstab), f"-{os.path.dirname(settings.boot.mount)}"]
    if settings.upstream.auto_commit:
        found.append(settings.upstream.root)  # etckeeper's scripts write where they like
    return found


def one_mount_each(paths: Iterable[str]) -> list[str]:
    """Return, for each file system that ``paths`` lie on, the directory that all of them share.

    A path that may be written to becomes a mount, and nothing is renamed from one mount to another.
    """
    together: dict[int, list[str]] = {}
    for path in paths:
        there = path
        while not os.path.isdir(there):
            there = os.path.dirname(there)
        together.setdefault(os.stat(there).st_dev, []).append(path)
    return [os.path.commonpath(group) for group in together.values()]


def program_words() -> list[str]:
    """Return the command that starts this etcsync, its program as an absolute path."""
    script = os.path.join(sysconfig.get_path("scripts"), "etcsync")
    return [script] if os.path.isfile(script) else [sys.executable, "-m", "etcsync"]


def systemd_release() -> int:
    """Return the number of this machine's systemd; 0 where there is none."""
    try:
        done = subprocess.run(["systemctl", "--version"], capture_output=True, check=False)
    except FileNotFoundError:
        return 0
    found = re.match(rb"systemd (\d+)", done.stdout)
    return int(found[1]) if found else 0


def unit_word(text: str) -> str:
    """Return ``text`` as one word of a unit file, nothing in it taken for more. Pure."""
    if _PLAIN.fullmatch(text):
        return text
    escaped = re.sub(r'["\\]', r"\\\g<0>", text).replace("%", "%%")
    escaped = re.sub(r"[\0-\x1f\x7f]", lambda match: f"\\x{ord(match[0]):02x}", escaped)
    return f'"{escaped}"'


def _words(texts: Iterable[str]) -> str:
    return " ".join(map(unit_word, texts))


def _outermost(paths: Sequence[str]) -> list[str]:
    """Return the paths that lie in no other one, each once, sorted by where they are."""
    bare = {path.lstrip("-") for path in paths}
    outer = (path for path in bare if not any(is_within(path, o) for o in bare - {path}))
    return [path if path in paths else f"-{path}" for path in sorted(outer)]


def _lies_in(path: str, directories: Iterable[str]) -> bool:
    return any(is_within(path.lstrip("-"), directory) for directory in directories)
