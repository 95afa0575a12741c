"""Forbidding a process to write to files, by the kernel's Landlock; see landlock(7)."""

import errno
import os
import struct

from etcsync import system_calls

_VERSION = 1  # LANDLOCK_CREATE_RULESET_VERSION
_MISSING = {errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM}

_WRITING = (
    1 << 1  # LANDLOCK_ACCESS_FS_WRITE_FILE
    | 0b1_1111_1111 << 4  # from …_REMOVE_DIR to …_MAKE_SYM: names that come and go
)
_SINCE = {2: 1 << 13, 3: 1 << 14}
"""By the version that brought it: …_REFER, to link and rename across directories; …_TRUNCATE."""


def forbid_writing() -> bool:
    """Forbid this process for good to change files, but for what it has open for writing.

    It must have given up to gain privileges (PR_SET_NO_NEW_PRIVS). Modes, owners and attributes are
    no business of Landlock's.

    Returns:
        Whether it is forbidden; False where the kernel has no Landlock, or may not be asked.
    """
    try:
        version = system_calls.landlock(system_calls.SYS_LANDLOCK_CREATE_RULESET, None, 0, _VERSION)
    except OSError as error:
        if error.errno in _MISSING:
            return False
        raise
    handled = _WRITING | sum(access for since, access in _SINCE.items() if since <= version)
    attribute = struct.pack("=Q", handled)
    ruleset = system_calls.landlock(
        system_calls.SYS_LANDLOCK_CREATE_RULESET, attribute, len(attribute), 0
    )
    try:
        system_calls.landlock(system_calls.SYS_LANDLOCK_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)
    return True
