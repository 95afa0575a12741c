"""A program of the root, run where it can reach a read-only view of that root and nothing else.

This file runs as a process of its own, started by `etcsync.host.confined`, with nothing but
Python's standard library: ``cell.py ROOT NAME SECONDS COMMAND…``, the content on standard input. It
enters new mount, network, process, IPC and host-name namespaces (unshare(2)); binds the root
read-only and makes it the only thing there is (pivot_root(2)); covers ``/dev`` and the places for
temporary files by file systems in memory; puts the content there; gives up all capabilities but
one; and runs the command, in which ``{file}`` stands for where the content is. All that it makes is
gone when it ends, however it ends.

It ends with the command's status, 128 and more for a signal, 127 when there is no such program,
126 when it cannot be executed; and by SIGKILL, with the reason on standard output, when no cell
could be made.
"""

import ctypes
import errno
import os
import resource
import signal
import stat
import sys
from contextlib import suppress

SCRATCH = {"/run": "0755", "/tmp": "1777", "/var/tmp": "1777"}  # noqa: S108 - covered here
"""Where programs put what is temporary, and the mode; the content lies in the first that exists."""

FOLDER = "etcsync"
"""The directory in one of those that holds the content."""

FILE = "{file}"

DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9)}
SPACE = 16 << 20
"""Bytes that the file systems in memory take beyond the content."""

MEMORY = 1 << 30
"""Bytes of data that each process may have."""

MOUNT_POINT = b"/proc"
"""A directory that every system has, covered in this process's own namespace only."""

CAP_NET_ADMIN = 12
"""``nft -c`` asks the kernel, and so needs it; beyond the cell it opens nothing."""

_NAMESPACES = 0x00020000 | 0x04000000 | 0x08000000 | 0x20000000 | 0x40000000  # NS UTS IPC PID NET
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_NOEXEC = 0x1, 0x2, 0x4, 0x8
_MS_REMOUNT, _MS_BIND, _MS_REC, _MS_PRIVATE = 0x20, 0x1000, 0x4000, 0x40000
_MNT_DETACH = 2
_PR_SET_PDEATHSIG, _PR_CAPBSET_READ, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 1, 23, 24, 38

_library = ctypes.CDLL(None, use_errno=True)


def main(root: str, name: str, seconds: str, command: list[str]) -> int:
    """Run ``command`` in a cell and return the status to end with; negative for a signal.

    Raises:
        OSError: The cell could not be made; nothing was run.
    """
    end_with_parent()
    content = sys.stdin.buffer.read()
    _call("unshare", _NAMESPACES)
    enter(os.fsencode(root))
    cover(len(content) + SPACE)
    place = put(name, content)
    give_up_rights()
    child = os.fork()
    if child == 0:
        os._exit(run([word.replace(FILE, place) for word in command], int(seconds)))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def end_with_parent() -> None:
    """Have the kernel kill this process as soon as its parent is gone."""
    _call("prctl", _PR_SET_PDEATHSIG, signal.SIGKILL)


def enter(root: bytes) -> None:
    """Make a read-only view of ``root`` all that there is; what is mounted beneath is left out."""
    _mount(None, b"/", None, _MS_REC | _MS_PRIVATE)
    _mount(root, MOUNT_POINT, None, _MS_BIND)
    read_only = _MS_REMOUNT | _MS_BIND | _MS_RDONLY | _MS_NOSUID | _MS_NODEV
    _mount(None, MOUNT_POINT, None, read_only)
    os.chdir(MOUNT_POINT)
    _call("pivot_root", b".", b".")
    _call("umount2", b".", _MNT_DETACH)
    os.chdir("/")


def cover(size: int) -> None:
    """Mount file systems in memory over what programs write to, where the root has such places."""
    for place, mode in SCRATCH.items():
        options = f"size={size},nr_inodes=4096,mode={mode}"
        with suppress(FileNotFoundError, NotADirectoryError):
            _mount(b"tmpfs", place.encode(), options, _MS_NOSUID | _MS_NODEV)
    with suppress(FileNotFoundError, NotADirectoryError):
        _mount(b"tmpfs", b"/dev", "size=64k,nr_inodes=64,mode=0755", _MS_NOSUID | _MS_NOEXEC)
        mask = os.umask(0)
        for device, numbers in DEVICES.items():
            os.mknod(f"/dev/{device}", stat.S_IFCHR | 0o666, os.makedev(*numbers))
        os.umask(mask)


def put(name: str, content: bytes) -> str:
    """Write the content, readable for its owner alone, and return its path."""
    scratch = next((place for place in SCRATCH if os.path.isdir(place)), None)
    if scratch is None:
        raise OSError(errno.ENOENT, f"there is none of {', '.join(SCRATCH)}")
    directory = f"{scratch}/{FOLDER}"
    os.mkdir(directory, 0o700)
    path = f"{directory}/{name}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with open(os.open(path, flags, 0o600), "wb") as file:
        file.write(content)
    return path


def give_up_rights() -> None:
    """Leave to the programs that are started from now on nothing that root may do beyond others."""
    os.setgroups([])
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    _call("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    for capability in range(64):
        if _library.prctl(_PR_CAPBSET_READ, capability, 0, 0, 0) < 0:
            break  # beyond the last one that this kernel knows
        if capability != CAP_NET_ADMIN:
            _call("prctl", _PR_CAPBSET_DROP, capability, 0, 0, 0)


def run(command: list[str], seconds: int) -> int:
    """Run ``command`` as the first process of the namespace, with which everything in it ends.

    That is after some seconds at the latest, should nobody be left to kill it.
    """
    end_with_parent()
    signal.signal(signal.SIGALRM, lambda *_: os._exit(128 + signal.SIGALRM))
    signal.alarm(seconds)
    try:
        defaults = [signal.SIGPIPE, signal.SIGXFSZ]
        process = os.posix_spawnp(command[0], command, os.environ, setsigdef=defaults)
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", flush=True)
        return 127 if isinstance(error, FileNotFoundError) else 126
    ended = 0
    while ended != process:
        ended, status = os.wait()
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _mount(source: bytes | None, target: bytes, data: str | None, flags: int) -> None:
    kind = None if data is None else b"tmpfs"
    options = None if data is None else data.encode()
    _call("mount", source, target, kind, ctypes.c_ulong(flags), options)


def _call(name: str, *arguments: object) -> None:
    if _library[name](*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


if __name__ == "__main__":
    try:
        ending = main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:])
    except OSError as failure:
        print(failure.strerror, flush=True)
        ending = -signal.SIGKILL
    if ending < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    os._exit(ending)
