"""The bind mount that shows the root's /boot where a client may write it; mount(8)."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from enum import Enum

from etcsync.errors import EtcsyncError
from etcsync.host.mounts import is_within, mounted_on, read_mounts, shows

SYSTEM_FSTAB = "/etc/fstab"
SYSTEMD = "/run/systemd/system"
"""Exists where systemd is in charge; sd_booted(3)."""

TIME_LIMIT = 60.0
PATIENCE = 3.0
"""Seconds in which the NFS server has let go of files of an export that was withdrawn."""

PAUSE = 0.2
SHOWN = 3


class Bound(Enum):
    """What is mounted at the place of a bind mount."""

    NOTHING = "nothing"
    RIGHT = "right"
    OTHER = "other"


def bound(source: str, point: str) -> Bound:
    """Return what is mounted at ``point``: ``source``, something else, or nothing."""
    mounts = read_mounts()
    mount = mounted_on(os.path.realpath(point), mounts)
    if mount is None:
        return Bound.NOTHING
    right = shows(mount, os.path.realpath(source), mounts)
    return Bound.RIGHT if right else Bound.OTHER


def bind(source: str, point: str, fstab: str) -> None:
    """Bind-mount ``source`` at ``point``, which ``fstab`` has a line for.

    Where systemd reads that file it makes the mount: a service may live in a mount namespace of its
    own, and a mount that it made would stay in there.

    Raises:
        EtcsyncError: It is not mounted there.
    """
    if _by_systemd(fstab):
        _run("systemctl", "daemon-reload")
        _run("systemctl", "start", "--", point)
    else:
        _run("mount", "--bind", "--", source, point)
    if bound(source, point) is not Bound.RIGHT:
        raise EtcsyncError(
            f"{source} is not mounted at {point}, though mounting it was no error",
            hint=f"See what `findmnt --target {point}` says.",
        )


def unbind(source: str, point: str, fstab: str) -> None:
    """Take the bind mount of ``source`` at ``point`` away; wait a little where it is in use.

    Raises:
        EtcsyncError: It is in use, or cannot be unmounted.
    """
    until = time.monotonic() + PATIENCE
    while bound(source, point) is Bound.RIGHT:
        try:
            if _by_systemd(fstab):
                _run("systemctl", "stop", "--", point)
            else:
                _run("umount", "--", point)
        except EtcsyncError as error:
            if time.monotonic() > until:
                users = ", ".join(list(_users(os.path.realpath(point)))[:SHOWN])
                who = f"; it is used by {users}" if users else ""
                raise EtcsyncError(
                    f"{error.message}{who}",
                    hint=f"`fuser -vm {point}` shows who uses it; end that, then run this again.",
                ) from error
            time.sleep(PAUSE)


def reload_fstab(fstab: str) -> None:
    """Tell systemd that ``fstab`` has changed, where it reads that file.

    Raises:
        EtcsyncError: It did not take notice.
    """
    if _by_systemd(fstab):
        _run("systemctl", "daemon-reload")


def _by_systemd(fstab: str) -> bool:
    return fstab == SYSTEM_FSTAB and os.path.isdir(SYSTEMD)


def _run(*command: str) -> None:
    if os.geteuid() != 0:
        raise EtcsyncError("only root can mount and unmount", hint="Run etcsync as root.")
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIME_LIMIT, check=False
        )
    except FileNotFoundError as error:
        raise EtcsyncError(
            f"{command[0]} is not installed", hint="Install the packages mount and util-linux."
        ) from error
    except subprocess.TimeoutExpired as error:
        raise EtcsyncError(f"`{' '.join(command)}` did not end in {TIME_LIMIT:.0f} s") from error
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip()
        raise EtcsyncError(f"`{' '.join(command)}` failed: {said or done.returncode}")


def _users(point: str) -> Iterator[str]:
    """Yield the processes that have something open beneath ``point``, or stand in it."""
    for name in filter(str.isdecimal, os.listdir("/proc")):
        process = f"/proc/{name}"
        with suppress(OSError):
            links = [f"{process}/{link}" for link in ("cwd", "root", "exe")]
            links += [f"{process}/fd/{number}" for number in os.listdir(f"{process}/fd")]
            if any(is_within(_target(link), point) for link in links):
                with open(f"{process}/comm", encoding="utf-8", errors="replace") as file:
                    yield f"process {name} ({file.read().strip()})"


def _target(link: str) -> str:
    try:
        return os.readlink(link)
    except OSError:
        return ""
