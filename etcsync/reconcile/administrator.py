"""Who runs etcsync: the committer of what is promoted."""

import os
import pwd
import socket

from etcsync.hub.objects import Identity


def administrator() -> Identity:
    """Return who runs this process, as git's variables say, or else the user who called it.

    See ``GIT_COMMITTER_NAME`` in git(1) and ``SUDO_USER`` in sudo(8). No configuration is read.
    """
    variables = (os.environ.get(name) for name in ("SUDO_USER", "LOGNAME", "USER"))
    user = next(filter(None, variables), None) or _own_name()
    return Identity(
        os.environ.get("GIT_COMMITTER_NAME") or user,
        os.environ.get("GIT_COMMITTER_EMAIL") or f"{user}@{socket.gethostname()}",
    )


def _own_name() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid{os.getuid()}"
