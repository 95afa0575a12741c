"""Power loss: what a disk may hold when the power goes, by a model of what was brought to it.

A run is written down with strace(1), contents included, and replayed on a file system in memory.
Of every file it knows the content that was last synced, of every directory the names. There are two
kinds of cuts. One leaves that and nothing else: POSIX promises no more. The other is what file
systems with a journal do: names have come to disk in their order up to some moment, and the content
of each file that was not synced either has or has not.
"""

import codecs
import os
import random
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

CALLS = (
    "open,openat,openat2,creat,write,pwrite64,writev,ftruncate,truncate,rename,renameat,renameat2,"
    "link,linkat,symlink,symlinkat,unlink,unlinkat,rmdir,mkdir,mkdirat,mknod,mknodat,chmod,fchmod,"
    "fchmodat,chown,fchown,lchown,fchownat,fsync,fdatasync,syncfs,sync,sendfile,copy_file_range,"
    "chdir,vfork,clone,clone3,fork,lseek,read"
)
OPTIONS = ("-f", "-y", "-s", "100000000", "-e", f"trace={CALLS}", "-e", "signal=none")

_CALL = re.compile(
    rb"^(\d+) +(\w+)\((.*)\) += (-?\d+|\?)(?:<(.*?)>)?(?:\(deleted\))?(?: .*)?$", re.DOTALL
)
_UNFINISHED = re.compile(rb"^(\d+) +(.*) <unfinished \.\.\.>$", re.DOTALL)
_RESUMED = re.compile(rb"^(\d+) +<\.\.\. \w+ resumed>(.*)$", re.DOTALL)
_ARGUMENT = re.compile(rb'"(?:[^"\\]|\\.)*"(?:\.\.\.)?|[^,"{\[]+|\{.*?\}|\[.*?\]', re.DOTALL)
_DESCRIPTOR = re.compile(rb"^(-?\d+|AT_FDCWD)(?:<(.*)>)?(?:\(deleted\))?$", re.DOTALL)


@dataclass
class Node:
    """A file, directory or link: what it is now, and what of it is on disk for sure."""

    kind: str
    mode: int
    data: bytearray = field(default_factory=bytearray)
    names: dict[bytes, "Node"] = field(default_factory=dict)
    synced_data: bytes | None = None
    synced_names: dict[bytes, "Node"] = field(default_factory=dict)
    synced_mode: int = 0o600

    def sync(self) -> None:
        """Bring the node itself to disk, and if it is a directory its names."""
        self.synced_data = bytes(self.data)
        self.synced_names = dict(self.names)
        self.synced_mode = self.mode

    @property
    def is_dirty(self) -> bool:
        if self.kind == "dir":
            return self.names != self.synced_names
        return self.synced_data != bytes(self.data) or self.mode != self.synced_mode


class Call(NamedTuple):
    """One system call that succeeded: who made it, with what, and what it returned.

    ``path`` is where a returned descriptor leads.
    """

    process: int
    name: str
    arguments: list[bytes]
    result: int
    path: bytes


def calls(log: Path) -> Iterator[Call]:
    """Yield what a log of strace tells, in the order in which it was completed."""
    waiting: dict[bytes, bytes] = {}
    for text in log.read_bytes().split(b"\n"):
        line = text
        if match := _UNFINISHED.match(line):
            waiting[match[1]] = match[2]
            continue
        if match := _RESUMED.match(line):
            line = match[1] + b" " + waiting.pop(match[1], b"") + match[2]
        if match := _CALL.match(line):
            process, name, arguments, result, path = match.groups()
            if result != b"?" and int(result) >= 0:
                found = [each.strip() for each in _ARGUMENT.findall(arguments) if each.strip()]
                told = codecs.escape_decode(path or b"")[0]
                yield Call(int(process), name.decode(), found, int(result), told)


def _text(argument: bytes) -> bytes:
    """Return the bytes of a quoted argument."""
    assert argument.startswith(b'"'), argument
    assert not argument.endswith(b"..."), "cut short by strace"
    text: bytes = codecs.escape_decode(argument[1:-1])[0]
    return text


def _descriptor(argument: bytes) -> bytes | None:
    """Return the path that strace tells of a descriptor."""
    match = _DESCRIPTOR.match(argument)
    if match is None or match[2] is None:
        return None
    told: bytes = codecs.escape_decode(match[2])[0]
    return told


class Disk:
    """What lies below ``top``, kept in step with the calls that it is told."""

    def __init__(self, top: Path, cwd: Path) -> None:
        self.top = os.fsencode(top)
        self.cwd = os.fsencode(cwd)
        self.where: dict[int, bytes] = {}
        self.root = self._read(self.top)
        self.offsets: dict[tuple[int, bytes], int] = {}
        self.opened: dict[tuple[int, int], bytes] = {}
        self.nameless: dict[bytes, Node] = {}

    def _read(self, place: bytes) -> Node:
        state = os.lstat(place)
        mode = stat.S_IMODE(state.st_mode)
        if stat.S_ISDIR(state.st_mode):
            node = Node("dir", mode)
            node.names = {name: self._read(os.path.join(place, name)) for name in os.listdir(place)}
        elif stat.S_ISLNK(state.st_mode):
            node = Node("link", mode, bytearray(os.readlink(place)))
        elif stat.S_ISREG(state.st_mode):
            with open(place, "rb") as stream:
                node = Node("file", mode, bytearray(stream.read()))
        else:
            node = Node("fifo", mode)
        node.sync()
        return node

    # ------------------------------------------------------------ paths

    def _cwd(self, process: int) -> bytes:
        return self.where.get(process, self.cwd)

    def _below(self, path: bytes) -> list[bytes] | None:
        path = os.path.normpath(path)
        if path == self.top:
            return []
        if not path.startswith(self.top + b"/"):
            return None
        return path[len(self.top) + 1 :].split(b"/")

    def find(self, path: bytes) -> Node | None:
        if path in self.nameless:
            return self.nameless[path]
        parts = self._below(path)
        if parts is None:
            return None
        node: Node | None = self.root
        for part in parts:
            node = node.names.get(part) if node is not None else None
        return node

    def _slot(self, path: bytes) -> tuple[Node, bytes] | None:
        above = self.find(os.path.dirname(os.path.normpath(path)))
        return None if above is None else (above, os.path.basename(os.path.normpath(path)))

    def _at(self, call: Call, first: int) -> bytes:
        """Return the path that a descriptor and a name mean together."""
        above = call.arguments[first]
        name = _text(call.arguments[first + 1])
        if above.startswith(b"AT_FDCWD"):
            return os.path.join(self._cwd(call.process), name)
        return os.path.join(_descriptor(above) or b"/nowhere", name)

    def _plain(self, call: Call, first: int = 0) -> bytes:
        return os.path.join(self._cwd(call.process), _text(call.arguments[first]))

    # ------------------------------------------------------------ what calls do

    def heed(self, call: Call) -> None:
        """Do what a call did."""
        if call.path:
            self.opened[call.process, call.result] = call.path
        handler = getattr(self, f"_do_{call.name}", None)
        if handler is not None:
            handler(call)

    def _do_chdir(self, call: Call) -> None:
        self.where[call.process] = self._plain(call)

    def _do_vfork(self, call: Call) -> None:
        self.where.setdefault(call.result, self._cwd(call.process))

    _do_clone = _do_clone3 = _do_fork = _do_vfork

    def _do_openat(self, call: Call) -> None:
        self._open(call, self._at(call, 0), call.arguments[2])

    def _do_open(self, call: Call) -> None:
        self._open(call, self._plain(call), call.arguments[1])

    def _open(self, call: Call, path: bytes, flags: bytes) -> None:
        slot = self._slot(path)
        if slot is None or b"O_PATH" in flags:
            return
        if b"O_TMPFILE" in flags:
            self.nameless[call.path] = Node("file", 0o600)
            self.offsets[call.result, call.path] = 0
            return
        above, name = slot
        if b"O_CREAT" in flags and name not in above.names:
            mode = int(call.arguments[-1], 8) if call.arguments[-1].startswith(b"0") else 0o600
            above.names[name] = Node("file", mode)
        node = above.names.get(name)
        if node is not None and b"O_TRUNC" in flags:
            del node.data[:]
        start = len(node.data) if node is not None and b"O_APPEND" in flags else 0
        self.offsets[call.result, path] = start

    def _do_write(self, call: Call) -> None:
        path = _descriptor(call.arguments[0])
        node = None if path is None else self.find(path)
        if path is None or node is None or node.kind != "file":
            return
        number = int(call.arguments[0].partition(b"<")[0])
        data = _text(call.arguments[1])[: call.result]
        key = (number, path)
        start = self.offsets.get(key, len(node.data))
        node.data[start : start + len(data)] = data
        self.offsets[key] = start + len(data)

    def _do_pwrite64(self, call: Call) -> None:
        path = _descriptor(call.arguments[0])
        node = None if path is None else self.find(path)
        if node is not None:
            start = int(call.arguments[3])
            data = _text(call.arguments[1])[: call.result]
            node.data[start : start + len(data)] = data

    def _do_read(self, call: Call) -> None:
        path = _descriptor(call.arguments[0])
        if path is not None:
            key = (int(call.arguments[0].partition(b"<")[0]), path)
            self.offsets[key] = self.offsets.get(key, 0) + call.result

    def _do_lseek(self, call: Call) -> None:
        path = _descriptor(call.arguments[0])
        if path is not None:
            self.offsets[int(call.arguments[0].partition(b"<")[0]), path] = call.result

    def _do_ftruncate(self, call: Call) -> None:
        path = _descriptor(call.arguments[0])
        node = None if path is None else self.find(path)
        if node is not None:
            size = int(call.arguments[1])
            node.data[:] = bytes(node.data[:size]).ljust(size, b"\0")

    def _do_rename(self, call: Call) -> None:
        self._rename(self._plain(call), self._plain(call, 1), b"")

    def _do_renameat(self, call: Call) -> None:
        self._rename(self._at(call, 0), self._at(call, 2), b"")

    def _do_renameat2(self, call: Call) -> None:
        self._rename(self._at(call, 0), self._at(call, 2), call.arguments[4])

    def _rename(self, old: bytes, new: bytes, flags: bytes) -> None:
        source, target = self._slot(old), self._slot(new)
        if source is None or target is None or source[1] not in source[0].names:
            return
        if b"RENAME_EXCHANGE" in flags:
            one, other = source[0].names[source[1]], target[0].names[target[1]]
            source[0].names[source[1]], target[0].names[target[1]] = other, one
        else:
            target[0].names[target[1]] = source[0].names.pop(source[1])

    def _do_link(self, call: Call) -> None:
        self._link(call.process, self._plain(call), self._plain(call, 1))

    def _do_linkat(self, call: Call) -> None:
        self._link(call.process, self._at(call, 0), self._at(call, 2))

    def _link(self, process: int, old: bytes, new: bytes) -> None:
        if old.startswith(b"/proc/self/fd/"):
            old = self.opened.get((process, int(old.rpartition(b"/")[2])), old)
        node, slot = self.find(old), self._slot(new)
        if node is not None and slot is not None:
            slot[0].names[slot[1]] = node

    def _do_symlink(self, call: Call) -> None:
        self._symlink(_text(call.arguments[0]), self._plain(call, 1))

    def _do_symlinkat(self, call: Call) -> None:
        self._symlink(_text(call.arguments[0]), self._at(call, 1))

    def _symlink(self, target: bytes, path: bytes) -> None:
        slot = self._slot(path)
        if slot is not None:
            slot[0].names[slot[1]] = Node("link", 0o777, bytearray(target))
            slot[0].names[slot[1]].synced_data = target  # a target is part of its inode

    def _do_unlink(self, call: Call) -> None:
        self._remove(self._plain(call))

    _do_rmdir = _do_unlink

    def _do_unlinkat(self, call: Call) -> None:
        self._remove(self._at(call, 0))

    def _remove(self, path: bytes) -> None:
        slot = self._slot(path)
        if slot is not None:
            slot[0].names.pop(slot[1], None)

    def _do_mkdir(self, call: Call) -> None:
        self._mkdir(self._plain(call), call.arguments[1])

    def _do_mkdirat(self, call: Call) -> None:
        self._mkdir(self._at(call, 0), call.arguments[2])

    def _mkdir(self, path: bytes, mode: bytes) -> None:
        slot = self._slot(path)
        if slot is not None:
            slot[0].names[slot[1]] = Node("dir", int(mode, 8), synced_mode=int(mode, 8))

    def _do_fchmod(self, call: Call) -> None:
        self._chmod(_descriptor(call.arguments[0]), call.arguments[1])

    def _do_chmod(self, call: Call) -> None:
        path = self._plain(call)
        if path.startswith(b"/proc/self/fd/"):
            path = self.opened.get((call.process, int(path.rpartition(b"/")[2])), path)
        self._chmod(path, call.arguments[1])

    def _chmod(self, path: bytes | None, mode: bytes) -> None:
        node = None if path is None else self.find(path)
        if node is not None:
            node.mode = int(mode, 8)

    def _do_fsync(self, call: Call) -> None:
        path = _descriptor(call.arguments[0])
        node = None if path is None else self.find(path)
        if node is not None:
            node.sync()

    _do_fdatasync = _do_fsync

    def sync_all(self) -> None:
        """Bring everything to disk."""
        for node in self._all(self.root):
            node.sync()

    def _do_syncfs(self, _call: Call) -> None:
        self.sync_all()

    _do_sync = _do_syncfs

    def _all(self, node: Node) -> Iterator[Node]:
        yield node
        for child in node.names.values():
            yield from self._all(child)

    # ------------------------------------------------------------ what is left

    def materialise(self, place: Path, chance: random.Random | None) -> int:
        """Write what a power cut leaves below ``place``; return how much was at stake.

        Args:
            place: Where; nothing may be there.
            chance: Decides which contents have reached the disk, and all names have; None: nothing
                has that was not synced.
        """
        self._at_stake = 0
        self._links: dict[int, bytes] = {}
        self._materialise(self.root, os.fsencode(place), chance)
        return self._at_stake

    def _materialise(self, node: Node, place: bytes, chance: random.Random | None) -> None:
        survives = not node.is_dirty
        if not survives:
            self._at_stake += 1
            survives = chance is not None and (node.kind == "dir" or chance.random() < 0.5)
        mode = node.synced_mode if chance is None and not survives else node.mode
        if node.kind == "dir":
            os.mkdir(place, 0o700)
            for name, child in (node.names if survives else node.synced_names).items():
                self._materialise(child, os.path.join(place, name), chance)
            os.chmod(place, node.mode)
        elif node.kind == "link":
            os.symlink(bytes(node.data), place)
        elif node.kind == "fifo":
            os.mkfifo(place, mode)
        elif id(node) in self._links:
            os.link(self._links[id(node)], place)
        else:
            with open(place, "wb") as stream:
                stream.write(bytes(node.data) if survives else node.synced_data or b"")
            os.chmod(place, mode)
            self._links[id(node)] = place
