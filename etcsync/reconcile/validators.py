"""The validators of a run: each content is looked at once, whoever gets it."""

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import NamedTuple

from etcsync.entries import ROOT
from etcsync.host.confined import run_confined
from etcsync.host.rootfs import Outcome, path_in_root
from etcsync.logs import get_logger
from etcsync.reconcile.model import TreeWarning
from etcsync.threads import starting_threads

TIME_LIMIT = 10
"""Seconds that a validator may take for one content."""

PATIENCE = 8
"""Clients whose contents a validator may give no answer to before it is asked no more."""

AT_A_TIME = 32
"""Contents that are read and handed out together."""

NOT_INSTALLED = 127
"""The exit status by which shells say so, and `run_confined` too; sh(1)."""

SHELL = "/bin/sh"

_NO_ANSWER = Outcome(None, b"")

log = get_logger()


class Check(NamedTuple):
    """One content that one command has to accept."""

    command: tuple[str, ...]
    path: str
    oid: str


@dataclass
class Validators:
    """What was asked and answered in a run.

    Attributes:
        root: The shared root, whose programs are run.
        limit: Seconds that a validator may take for one content.
        warnings: What was not checked, and why; each once.
    """

    root: str
    limit: float = TIME_LIMIT
    warnings: list[TreeWarning] = field(default_factory=list)
    _outcomes: dict[Check, Outcome] = field(default_factory=dict)
    _silent: dict[tuple[str, ...], set[str]] = field(default_factory=dict)
    _usable: bool | None = None

    def outcome(self, check: Check) -> Outcome | None:
        """Return how the validator ended, or None if it could not be run here."""
        return self._outcomes.get(check)

    def refusal(self, check: Check) -> Outcome | None:
        """Return how the validator ended if it did not accept the content."""
        outcome = self.outcome(check)
        return None if outcome is None or outcome.status in {0, NOT_INSTALLED} else outcome

    def ask(self, wanted: Mapping[Check, str], read: Callable[[str], bytes]) -> None:
        """Have those contents checked that have not been yet; write nothing anywhere.

        Args:
            wanted: The checks, each with the name of a client that needs it.
            read: Gives the content of a blob.
        """
        new = [check for check in wanted if check not in self._outcomes]
        if not new or not self._can_run():
            return
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for start in range(0, len(new), AT_A_TIME):
                some = new[start : start + AT_A_TIME]
                contents = [read(check.oid) for check in some]
                with starting_threads():
                    outcomes = pool.map(self._run, some, contents)
                for check, outcome in zip(some, outcomes, strict=True):
                    self._note(check, wanted[check], outcome)

    def _run(self, check: Check, content: bytes) -> Outcome:
        if len(self._silent.get(check.command, ())) >= PATIENCE:
            return _NO_ANSWER
        name = check.path.rpartition("/")[2]
        return run_confined(self.root, check.command, name=name, content=content, limit=self.limit)

    def _note(self, check: Check, client: str, outcome: Outcome) -> None:
        self._outcomes[check] = outcome
        if outcome.status is None:
            self._silent.setdefault(check.command, set()).add(client)
        elif outcome.status == NOT_INSTALLED:
            self._warn(check.path, f"its validator is not installed in {self.root}")

    def _can_run(self) -> bool:
        """Whether programs of the root can be run at all; found out once, when it matters."""
        if self._usable is None:
            obstacle = obstacle_in(self.root)
            self._usable = obstacle is None
            if obstacle is not None:
                self._warn(ROOT, f"no validator was run: {obstacle}")
        return self._usable

    def _warn(self, path: str, detail: str) -> None:
        warning = TreeWarning(path, "unchecked", detail)
        if warning not in self.warnings:
            self.warnings.append(warning)
            log.warning("unchecked", path=path, detail=detail)


def obstacle_in(root: str) -> str | None:
    """Return why programs of ``root`` cannot be run, or None if they can."""
    if os.geteuid() != 0:
        return f"only root can run programs inside {root}"
    if not os.path.exists(path_in_root(root, SHELL)):
        return f"{root} has no programs to run (there is no {SHELL})"
    probe = (SHELL, "-c", ":")
    status, output = run_confined(root, probe, name="probe", content=b"", limit=TIME_LIMIT)
    said = output.decode("utf-8", "replace").strip()
    if status is None or status < 0:
        return f"programs inside {root} could not be shut off from the rest of this machine: {said}"
    return f"this machine cannot run the programs of {root}: {said}" if status else None
