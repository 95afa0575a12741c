"""Making all checks, whatever becomes of each."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from etcsync.config import Settings
from etcsync.doctor.facts import Facts
from etcsync.doctor.finding import Finding, Severity
from etcsync.errors import EtcsyncError, SettingsError
from etcsync.logs import get_logger

AGAIN = "Set that right, and run `etcsync doctor` again."
"""The remedy where an error names none."""

log = get_logger()


@dataclass(frozen=True, slots=True)
class Check:
    """One thing to look at.

    Attributes:
        name: What it is called in reports; lower case.
        look: Yields what it finds. It writes nothing, and may raise what keeps it from looking.
    """

    name: str
    look: Callable[[Facts], Iterable[Finding]]


@dataclass(frozen=True, slots=True)
class Result:
    """What one check found.

    Attributes:
        name: The check's name.
        findings: What it found, in its order.
        complete: Whether it could be made to its end.
    """

    name: str
    findings: Sequence[Finding]
    complete: bool

    @property
    def ok(self) -> bool:
        """Whether all is well there; notes do not count."""
        return self.complete and all(each.severity is Severity.NOTE for each in self.findings)


@dataclass(frozen=True, slots=True)
class Examination:
    """What all checks found.

    Attributes:
        results: In the order of the checks.
        settings_read: Whether there were settings to go by.
    """

    results: Sequence[Result]
    settings_read: bool

    @property
    def findings(self) -> Iterator[tuple[str, Finding]]:
        """All findings, each with its check's name."""
        return ((result.name, each) for result in self.results for each in result.findings)

    @property
    def exit_status(self) -> int:
        """Return 2 without settings, 1 when a finding is serious, else 0."""
        if not self.settings_read:
            return 2
        return int(any(each.severity is Severity.SERIOUS for _, each in self.findings))


def examine(read_settings: Callable[[], Settings], checks: Iterable[Check]) -> Examination:
    """Make all ``checks``; that one cannot be made is a finding, and the others go on.

    What keeps several checks from being made is reported for the first of them alone.
    """
    said: set[str] = set()
    with Facts(read_settings) as facts:
        results = [_make(check, facts, said) for check in checks]
        try:
            settings_read = facts.settings is not None
        except SettingsError:
            settings_read = False
    return Examination(results, settings_read)


def _make(check: Check, facts: Facts, said: set[str]) -> Result:
    found: list[Finding] = []
    try:
        found.extend(check.look(facts))
    except Exception as error:  # noqa: BLE001 - whatever it is, the other checks go on
        obstacle = _obstacle(error)
        if obstacle.what not in said:
            found.append(obstacle)
            said.add(obstacle.what)
        return Result(check.name, found, complete=False)
    return Result(check.name, found, complete=True)


def _obstacle(error: Exception) -> Finding:
    """Return what kept a check from being made, as a finding."""
    if isinstance(error, EtcsyncError):
        return Finding(Severity.SERIOUS, error.message, error.hint or AGAIN)
    if isinstance(error, OSError):
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        return Finding(Severity.WARNING, f"this could not be looked at: {what}", AGAIN)
    log.debug("check failed", exc_info=error)
    what = f"this could not be looked at: {type(error).__name__}: {error}"
    return Finding(
        Severity.WARNING, what, "Report it with what `etcsync -vv doctor` writes to stderr."
    )
