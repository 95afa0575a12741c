"""Death at a chosen change: the process kills itself before its n-th call that changes anything.

Calls are counted by Python's audit events (see `sys.audit`) and, for those that etcsync makes
through the C library, in the library's place. So the same number means the same moment, run after
run, as long as the same is done. The sweeps with strace(1) count real system calls instead.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Callable

from etcsync import system_calls

CHANGING = frozenset({
    "os.chmod", "os.chown", "os.link", "os.mkdir", "os.remove", "os.removexattr", "os.rename",
    "os.rmdir", "os.setxattr", "os.symlink", "os.truncate", "os.utime", "subprocess.Popen",
})  # fmt: skip
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
BECOME_SUBREAPER = 36
"""PR_SET_CHILD_SUBREAPER, prctl(2): orphans below this process become its children."""


def dying_at(number: int) -> Callable[[], None]:
    """Return what makes the process that calls it die before its ``number``-th change."""

    def prepare() -> None:
        os.setpgid(0, 0)
        left = number

        def count() -> None:
            nonlocal left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        def heed(event: str, arguments: tuple[object, ...]) -> None:
            flags = arguments[2] if event == "open" else 0
            if event in CHANGING or (isinstance(flags, int) and flags & WRITING):
                count()

        sys.addaudithook(heed)
        system_calls._library = _Counted(system_calls._library, count)

    return prepare


class _Counted:
    """The C library, with a call of its changing functions noticed."""

    def __init__(self, library: ctypes.CDLL, count: Callable[[], None]) -> None:
        self._library = library
        self._count = count

    def __getattr__(self, name: str) -> object:
        return getattr(self._library, name)

    def renameat2(self, *arguments: object) -> int:
        self._count()
        return self._library.renameat2(*arguments)

    def syncfs(self, *arguments: object) -> int:
        self._count()
        return self._library.syncfs(*arguments)


def adopt_orphans() -> None:
    """Make git processes that outlive a killed etcsync this process's children."""
    ctypes.CDLL(None).prctl(BECOME_SUBREAPER, 1, 0, 0, 0)


def await_orphans() -> None:
    """Wait until what a killed process had started has ended."""
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return
