"""Who runs etcsync: the committer of what is promoted."""

import os
import pwd
import socket

from etcsync.hub.objects import Identity


def administrator() -> Identity:
    """Return who runs this process, as git's variables say, or else `user_name`.

    See ``GIT_COMMITTER_NAME`` in git(1). No configuration is read.
    """
    user = user_name()
    return Identity(
        os.environ.get("GIT_COMMITTER_NAME") or user,
        os.environ.get("GIT_COMMITTER_EMAIL") or f"{user}@{socket.gethostname()}",
    )


def user_name() -> str:
    """Return the user behind sudo(8), the one that logged in, or the process's own."""
    variables = (os.environ.get(name) for name in ("SUDO_USER", "LOGNAME", "USER"))
    return next(filter(None, variables), None) or _own_name()


def _own_name() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid{os.getuid()}"
