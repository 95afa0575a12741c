"""Passes as the daemon makes them, written down in a line."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from etcsync.config import Settings, parse_settings
from etcsync.daemon.passes import Pass, Why
from etcsync.errors import EtcsyncError, TreeError
from etcsync.logs import configure, get_logger
from etcsync.plan.model import Act, Action, Change, Difference
from etcsync.policy.treatment import Strategy
from etcsync.reconcile.model import ClientRun, HeldPath, Run, ServerRun
from etcsync.reconcile.suspensions import Suspension

NOON = datetime(2026, 11, 25, 12, 0, 0, tzinfo=UTC)
COMMIT = "a" * 40


@contextmanager
def captured_logs() -> Iterator[list[Any]]:
    """Yield what is logged meanwhile, a dictionary for each line."""
    configure(2, color=False)
    get_logger().debug("structlog is set up by the first line")
    with structlog.testing.capture_logs() as lines:
        yield lines


def settings_of(place: str, clients: Sequence[str] = ("client0",), extra: str = "") -> Settings:
    """Return settings whose state is in ``place``."""
    tables = "".join(f'[[clients]]\nname = "{name}"\n' for name in clients)
    text = f'state_dir = "{place}"\n[upstream]\nroot = "/srv/root"\n{extra}\n{tables}'
    return parse_settings(text, f"{place}/etcsync.toml")


def client_run(
    name: str,
    *,
    held: Mapping[str, str] | Sequence[str] = (),
    healed: Sequence[str] = (),
    drift: Sequence[str] = (),
    error: str | None = None,
    suspended: str | None = None,
) -> ClientRun:
    """Return what a pass says of one client.

    Args:
        name: The client.
        held: Paths that are held, with the upstream commit if it matters.
        healed: Paths that were put back.
        drift: Paths that have drifted.
        error: Why it failed.
        suspended: Why it is suspended.
    """
    commits = held if isinstance(held, Mapping) else dict.fromkeys(held, COMMIT)
    return ClientRun(
        name,
        error=None if error is None else TreeError(error, hint=f"Look at {name}."),
        conflicts=[
            HeldPath(f"c-{path}", path, "content", "", "merge", "2026-11-25T11:00:00Z", commit)
            for path, commit in commits.items()
        ],
        actions=[Action(path, Act.HEAL, Strategy.UPSTREAM, "", None, None) for path in healed],
        drift=[Difference(path, Change.MODIFIED, Strategy.MERGE) for path in drift],
        suspended=None
        if suspended is None
        else Suspension(since=NOON, until=None, reason=suspended, by="ada"),
    )


def made_pass(
    *runs: ClientRun,
    at: float = 0.0,
    why: Why = Why.INTERVAL,
    commit: str = COMMIT,
    duration: float = 0.5,
    clients: Sequence[str] | None = None,
    server: str | None = None,
) -> Pass:
    """Return a pass, ``at`` seconds after noon; ``server`` is what is wrong around the trees."""
    names = [run.name for run in runs] if clients is None else clients
    started = NOON + timedelta(seconds=at)
    around = ServerRun(error=EtcsyncError(server) if server else None)
    return Pass(f"p{at}", why, names, started, duration, Run(commit, runs, server=around))


def failed_pass(error: EtcsyncError, at: float = 0.0) -> Pass:
    """Return a pass that could not be made."""
    return Pass(f"p{at}", Why.RETRY, (), NOON + timedelta(seconds=at), 0.1, None, error)
