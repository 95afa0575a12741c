"""A tmux session with a pane for each client; the commands are those of tmux(1)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import libtmux
from libtmux.exc import LibTmuxException, TmuxCommandNotFound

from etcsync.errors import EtcsyncError

Words = tuple[str, ...]
"""A tmux command, or a program with its arguments."""

WIDTH, HEIGHT = "240", "60"
"""What a session measures before a terminal shows it; panes of a smaller one would not fit."""

WINDOW = "clients"
STATUS_FORMAT = "#{?pane_synchronized,#[bg=red],}#I:#W"

WINDOW_OPTIONS = {
    "@etcsync": "1",
    "allow-rename": "off",
    "pane-border-format": " #{@etcsync-client}#{?pane_dead, (ended with #{pane_dead_status}),} ",
    "pane-border-status": "top",
    "remain-on-exit": "on",
    "remain-on-exit-format": "",
    "window-status-current-format": STATUS_FORMAT,
    "window-status-format": STATUS_FORMAT,
}
"""Of the session's own windows alone; a tmux that does not know one goes without it. What a console
said before it ended stays to be read: tmux' own line about its end would push it out of sight."""

TOGGLE = "if-shell -F '#{@etcsync}' 'set-option -w synchronize-panes'"
"""Types into all panes of a window, or into one again; in windows of others it does nothing."""


def session_calls(
    session: str, consoles: Mapping[str, Words], *, panes: int, key: str
) -> Iterator[Sequence[Words]]:
    """Yield what makes the session, call by call of tmux, each a sequence of its commands. Pure.

    Programs are given word by word, which tmux starts without a shell. All that a window begins
    with is in one call, so that its options are there before its programs can end.

    Args:
        session: The session's name: letters, digits, ``_`` and ``-``.
        consoles: What runs in the pane of each client; at least one.
        panes: As many in a window at most.
        key: After the prefix, it toggles typing into all panes; bound only where it is free.
    """
    names = list(consoles)
    for first in range(0, len(names), panes):
        number = first // panes + 1
        window = WINDOW if number == 1 else f"{WINDOW}-{number}"
        if number == 1:
            begin: Words = ("new-session", "-d", "-s", session, "-x", WIDTH, "-y", HEIGHT)
        else:
            begin = ("new-window", "-d", "-t", f"{session}:")
        shown = {name: consoles[name] for name in names[first : first + panes]}
        yield list(_window(begin, window, f"{session}:{window}", shown))
    yield [("if-shell", f"! tmux list-keys -T prefix {key}", f"bind-key -T prefix {key} {TOGGLE}")]


def _window(begin: Words, window: str, target: str, shown: Mapping[str, Words]) -> Iterator[Words]:
    """Yield the commands that make one window with its panes."""
    for name, program in shown.items():
        if begin:
            yield (*begin, "-n", window, "--", *program)
            for option, value in WINDOW_OPTIONS.items():
                yield ("set-option", "-q", "-w", "-t", target, option, value)
            begin = ()
        else:
            yield ("split-window", "-t", target, "--", *program)
            yield ("select-layout", "-t", target, "tiled")
        yield ("set-option", "-p", "-t", target, "@etcsync-client", name)
    yield ("select-pane", "-t", f"{target}.{{top-left}}")


def call_words(commands: Iterable[Words]) -> list[str]:
    """Return the arguments of tmux for one call of several commands. Pure.

    A word that ends with a semicolon would end its command.
    """
    words: list[str] = []
    for command in commands:
        words += [";"] if words else []
        words += (word[:-1] + r"\;" if word.endswith(";") else word for word in command)
    return words


def ensure_session(session: str, calls: Iterable[Sequence[Words]]) -> bool:
    """Make the session on the user's tmux server, unless it is there; return whether it was made.

    Raises:
        EtcsyncError: tmux is not installed, or refused; no half of a session stays.
    """
    try:
        server = libtmux.Server()
        if server.has_session(session):
            return False
        for commands in calls:
            done = server.cmd(*call_words(commands))
            if done.returncode != 0:
                server.cmd("kill-session", "-t", session)
                raise EtcsyncError(f"tmux refused: {'; '.join(done.stderr) or done.returncode}")
    except TmuxCommandNotFound as error:
        raise EtcsyncError("tmux is not installed", hint="Install the package tmux.") from error
    except LibTmuxException as error:
        raise EtcsyncError(f"tmux cannot be used: {error}") from error
    return True


def showing(session: str, *, inside: bool) -> Words:
    """Return the command that shows the session, in a terminal or from within tmux. Pure."""
    return ("switch-client" if inside else "attach-session", "-t", session)
