"""The capabilities that work on a tree is done with; see capabilities(7).

Root may do everything, and a tree is where a client tries to have it done. So a thread gives up,
for as long as it has a tree open, whatever it does not need there: it could make no device, mount
nothing, trace nothing and send nothing, whatever a tree made it try.

Capabilities belong to threads, so that no thread disturbs another. A program that is started
meanwhile has those of root again, as execve(2) gives them; a thread that is started meanwhile has
not.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from enum import IntEnum

from etcsync import system_calls
from etcsync.landlock import forbid_writing
from etcsync.system_calls import CapabilitySets

PR_CAPBSET_READ, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 23, 24, 38


class Capability(IntEnum):
    """The numbers of linux/capability.h."""

    CHOWN = 0
    DAC_OVERRIDE = 1
    DAC_READ_SEARCH = 2
    FOWNER = 3
    FSETID = 4
    SYS_ADMIN = 21
    LEASE = 28
    SETFCAP = 31


Work = Mapping[Capability, str]
"""What a piece of work needs, and what for."""

LOOKING: Work = {
    Capability.DAC_READ_SEARCH: "files and directories may be closed to all but their owner",
}

WRITING: Work = {
    Capability.CHOWN: "files get the owners that upstream gives them",
    Capability.DAC_OVERRIDE: "directories may belong to anybody, and be closed to writing",
    Capability.FOWNER: "modes and times are set after the owner; directories may be sticky",
    Capability.FSETID: "setgid stays on what belongs to a group that root is not in",
    Capability.LEASE: "a lease tells whether what came out of a tree is still written to",
    Capability.SETFCAP: "a program keeps its capabilities when its file is replaced",
}

LABELLING: Work = {
    Capability.SYS_ADMIN: "labels of security modules are kept that the server does not use itself",
}

_thread = threading.local()


def mask(work: Work) -> int:
    """Return the capabilities of ``work``, a bit for each."""
    return sum(1 << capability for capability in work)


@contextmanager
def limited_to(work: Work) -> Iterator[None]:
    """Let this thread use no capabilities but those of ``work`` for the length of a block.

    In a block within another it has those of both.
    """
    outer: int | None = getattr(_thread, "mask", None)
    wanted = (outer or 0) | mask(work)
    if wanted == outer:
        yield
        return
    _thread.mask = wanted
    before = system_calls.capget()
    lowered = before._replace(effective=wanted & before.permitted)
    try:
        system_calls.capset(lowered)
        yield
    finally:
        _thread.mask = outer
        system_calls.capset(before)


def drop_to_tree_work() -> bool:
    """Give up for good, in this process and whatever it starts, what looking at trees needs not.

    For a process of one thread that was forked to look. What is open for writing already stays so.

    Returns:
        Whether writing is forbidden (Landlock); else it may still write what root owns.
    """
    sets = system_calls.capget()
    kept = mask(LOOKING) & sets.permitted
    with suppress(OSError):  # EINVAL: beyond the last that this kernel knows; EPERM: no CAP_SETPCAP
        for capability in range(64):
            if not kept >> capability & 1:
                system_calls.prctl(PR_CAPBSET_DROP, capability)
    system_calls.prctl(PR_SET_NO_NEW_PRIVS, 1)
    system_calls.capset(CapabilitySets(kept, kept, 0))
    return forbid_writing()
