"""The environment that etcsync and every program it runs live in.

Variables such as ``GIT_DIR`` (set by git in hooks), ``LD_PRELOAD`` or ``PAGER`` change what the
programs run here do. A process of etcsync starts from nothing and keeps only what it knows.
"""

import os
from collections.abc import MutableMapping

KEPT = frozenset({
    "CI", "COLORTERM", "COLUMNS", "COMP_CWORD", "COMP_WORDS", "EDITOR", "ETCSYNC_CONFIG",
    "FORCE_COLOR", "GIT_COMMITTER_EMAIL", "GIT_COMMITTER_NAME", "HOME", "INVOCATION_ID",
    "JOURNAL_STREAM", "LANG", "LC_ALL", "LC_CTYPE", "LC_MESSAGES", "LINES", "LISTEN_FDS",
    "LISTEN_PID", "LOGNAME", "NOTIFY_SOCKET", "NO_COLOR", "SHELL", "SSH_AUTH_SOCK", "SUDO_USER",
    "TERM", "TMPDIR", "TMUX", "TMUX_PANE", "TMUX_TMPDIR", "TZ", "USER", "VISUAL", "WATCHDOG_PID",
    "WATCHDOG_USEC",
})  # fmt: skip
"""Variables that are taken over; completion variables (``_ETCSYNC_…``) are as well."""

SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

SET = {"PATH": SEARCH_PATH, "PYDANTIC_DISABLE_PLUGINS": "__all__"}
"""Variables that always have one value. No package that happens to be installed beside etcsync has
a say in how settings are read, and none is searched for."""


def cleanse(environment: MutableMapping[str, str] = os.environ) -> None:
    """Reduce ``environment`` to the variables in `KEPT` and those of `SET`.

    Called once, first thing, by every entry point.
    """
    for name in list(environment):
        if name not in KEPT and not name.startswith("_ETCSYNC"):
            del environment[name]
    environment.update(SET)
