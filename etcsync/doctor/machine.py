"""The machine that etcsync runs on: git, the kernel, programs, rights, the clock."""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime

from etcsync import system_calls
from etcsync.doctor.facts import Facts
from etcsync.doctor.finding import Finding, Severity
from etcsync.environment import SEARCH_PATH
from etcsync.hub.git import MINIMUM_VERSION, git_version
from etcsync.system_calls import RENAME_EXCHANGE, renameat2

PROGRAMS = {"chroot": "coreutils", "unshare": "util-linux"}
"""What etcsync runs besides git, and the package that has it."""

CLOCK_GRAIN = 60.0
"""Seconds by which a clock may have been set back without harm."""


def git(_: Facts) -> Iterator[Finding]:
    """Git is new enough for all that is asked of it."""
    version = git_version()
    if version < MINIMUM_VERSION:
        has, needs = (".".join(map(str, each)) for each in (version, MINIMUM_VERSION))
        yield Finding(
            Severity.SERIOUS,
            f"git {has} is too old: it ignores settings that keep etcsync safe",
            f"Install git {needs} or newer.",
        )


def kernel(_: Facts) -> Iterator[Finding]:
    """The kernel has the calls by which trees are read and files swapped."""
    if not system_calls.has_openat2():
        yield Finding(
            Severity.NOTE,
            "this kernel, or the sandbox around etcsync, lacks openat2(2): paths in trees are "
            "resolved step by step, which is as safe and slower",
            "Run Linux 5.6 or newer, and let a sandbox allow openat2.",
        )
    if not _can_exchange():
        yield Finding(
            Severity.SERIOUS,
            "this kernel, or the sandbox around etcsync, lacks renameat2(2) with RENAME_EXCHANGE: "
            "no file can be put into a tree",
            "Run Linux 3.15 or newer, and let a sandbox allow renameat2.",
        )


def _can_exchange() -> bool:
    """Whether the call is there, tried on two files of a temporary directory."""
    with tempfile.TemporaryDirectory(prefix="etcsync-doctor-") as place:
        for name in ("one", "other"):
            open(os.path.join(place, name), "wb").close()
        directory = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            renameat2(directory, b"one", directory, b"other", RENAME_EXCHANGE)
        except OSError as error:
            # EINVAL is about the file system of temporary files, and says nothing of the trees'.
            return error.errno not in {errno.ENOSYS, errno.EPERM}
        finally:
            os.close(directory)
    return True


def rights(_: Facts) -> Iterator[Finding]:
    """Etcsync runs as root."""
    if os.geteuid() != 0:
        yield Finding(
            Severity.NOTE,
            "this is not root: owners are neither compared nor set, and nothing is run in the root",
            "Run etcsync as root, unless all that it manages belongs to you.",
        )


def programs(_: Facts) -> Iterator[Finding]:
    """What etcsync runs is installed."""
    for program, package in PROGRAMS.items():
        if shutil.which(program, path=SEARCH_PATH) is None:
            yield Finding(
                Severity.WARNING,
                f"{program} is not installed: etckeeper cannot be run in the root",
                f"Install the package {package}.",
            )


def clock(facts: Facts) -> Iterator[Finding]:
    """The clock is not behind what was recorded by it."""
    newest = max((commit.time.timestamp() for commit in facts.recorded.values()), default=0.0)
    if newest > facts.now + CLOCK_GRAIN:
        now, then = (
            datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M")
            for moment in (facts.now, newest)
        )
        yield Finding(
            Severity.WARNING,
            f"the clock says {now} UTC, but a commit was made at {then}: the clock is behind, or "
            "was ahead",
            "Compare it with `date -u`; let it be set with `timedatectl set-ntp true`.",
        )
