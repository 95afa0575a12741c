"""Which versions work together here, for whoever reads what the doctor found."""

import os
import platform
from collections.abc import Mapping
from contextlib import suppress

from etcsync import __version__
from etcsync.errors import HubError
from etcsync.hub.git import git_version


def versions() -> Mapping[str, str]:
    """Return the versions of etcsync, Python, git and Linux; no git where it does not tell."""
    found = {"etcsync": __version__, "Python": platform.python_version()}
    with suppress(HubError):  # the check of git says so
        found["git"] = ".".join(map(str, git_version()))
    return {**found, "Linux": os.uname().release}
