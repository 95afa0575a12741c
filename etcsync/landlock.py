"""Forbidding a process to write to files, by the kernel's Landlock; see landlock(7)."""

import errno
import os
import struct

from etcsync import system_calls

_VERSION = 1  # LANDLOCK_CREATE_RULESET_VERSION
_PATH_BENEATH = 1  # LANDLOCK_RULE_PATH_BENEATH
_MISSING = {errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM}

_WRITE_FILE = 1 << 1  # LANDLOCK_ACCESS_FS_WRITE_FILE
_WRITING = (
    _WRITE_FILE | 0b1_1111_1111 << 4  # from …_REMOVE_DIR to …_MAKE_SYM: names that come and go
)
_SINCE = {2: 1 << 13, 3: 1 << 14}
"""By the version that brought it: …_REFER, to link and rename across directories; …_TRUNCATE."""


def forbid_writing() -> bool:
    """Forbid this process for good to change files, but for what it has open for writing.

    ``/dev/null`` stays as it is: git opens it for writing, whatever it is to do.

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
        nowhere = os.open(os.devnull, os.O_PATH | os.O_CLOEXEC)
        try:
            rule = struct.pack("=Qi", _WRITE_FILE, nowhere)
            number = system_calls.SYS_LANDLOCK_ADD_RULE
            system_calls.landlock(number, ruleset, _PATH_BENEATH, rule, 0)
        finally:
            os.close(nowhere)
        system_calls.landlock(system_calls.SYS_LANDLOCK_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)
    return True
