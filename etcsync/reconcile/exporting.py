"""Bringing what this server exports to what the settings say.

The managed file is written at once, then the program runs that exports what it says. Where that
refuses, the former file comes back. Killed in between, the next call does the whole anew.
"""

import os
from contextlib import suppress

from etcsync.atomic_file import write_file
from etcsync.config import Settings, reread
from etcsync.errors import EtcsyncError
from etcsync.host.exports import complaints, read_exported, read_text, run_command
from etcsync.host.exports_format import is_name
from etcsync.logs import get_logger
from etcsync.reconcile.exports_state import (
    ExportsState,
    Wanted,
    exports_state,
    lacking,
    lines_elsewhere,
    says_elsewhere,
    surplus,
    wanted_exports,
)
from etcsync.reconcile.lock import writer_lock

log = get_logger()


def apply_exports(settings: Settings, *, wait: float) -> ExportsState:
    """Write the managed file, have it exported, and return how things are then.

    Raises:
        LockError: Another writer did not end in time.
        EtcsyncError: The file cannot be written, or was refused; what was before is back.
    """
    with writer_lock(settings.lock_path, wait=wait):
        settings = reread(settings)
        bring_exports(settings, wanted_exports(settings), again=True)
    return exports_state(settings)


def repair_exports(settings: Settings, *, again: bool = False) -> bool:
    """Bring the exports to what the settings say, where etcsync manages them; the lock is held.

    It does where the managed file exists, or a client may write /boot. What was refused is not
    tried again until the settings, or the directories, make something else of it.

    Args:
        settings: The settings.
        again: Try what was refused before.

    Returns:
        Whether there was anything to do.

    Raises:
        EtcsyncError: The file cannot be written, or was refused.
    """
    settings = reread(settings)
    text = read_text(settings.exports.file)
    if text is None and not settings.boot.writer:
        return False
    wanted = wanted_exports(settings)
    if text == wanted.text and not _departed(settings, wanted):
        _forget_refusal(settings)
        return False
    bring_exports(settings, wanted, again=again)
    return True


def bring_exports(settings: Settings, wanted: Wanted, *, again: bool) -> None:
    """Write the managed file and have it exported; the lock is held.

    Args:
        settings: The settings.
        wanted: What is to be exported.
        again: Try what was refused before.

    Raises:
        EtcsyncError: The file cannot be written, or was refused; what was before is back.
    """
    if not again and wanted.text == read_text(_refused_path(settings)):
        raise EtcsyncError(
            "the exports that the settings want were refused before, so they are not tried again",
            hint="Correct the settings; `etcsync exports apply` tries them at once.",
        )
    file, former = settings.exports.file, read_text(settings.exports.file)
    if former != wanted.text:
        _write(file, wanted.text)
        log.info("wrote exports", file=file, exports=len(wanted.exports))
    obstacle = _export(settings, wanted)
    if obstacle is None:
        _forget_refusal(settings)
        return
    if former != wanted.text:
        _put_back(settings, former)
    write_file(_refused_path(settings), _encoded(wanted.text), mode=0o600)
    raise obstacle


def _departed(settings: Settings, wanted: Wanted) -> bool:
    """Whether what is exported is not as it should be, and exporting anew could mend that."""
    exported = read_exported() if settings.exports.command else None
    if exported is None:
        return False
    if any(not is_name(each.client) for each in lacking(wanted, exported)):
        return True
    beyond = list(surplus(settings, wanted, exported))
    others = lines_elsewhere(settings) if beyond else ()
    return any(not says_elsewhere(export, others) for export, _ in beyond)


def _export(settings: Settings, wanted: Wanted) -> EtcsyncError | None:
    """Run the program that exports; return why it did not, or None."""
    command = settings.exports.command
    if not command:
        return None
    outcome = run_command(command)
    if outcome is None:
        return EtcsyncError(
            f"{command[0]} is not installed, so nothing is exported",
            hint="Install nfs-utils (Debian: nfs-kernel-server); or set command = [] in [exports] "
            "to have the file written only.",
        )
    if outcome.status == 0:
        return None
    said = outcome.output.decode("utf-8", "replace")
    exported = read_exported()
    if exported is not None:
        paths = [each.path for each in wanted.exports]
        departed = any(not is_name(each.client) for each in lacking(wanted, exported))
        if not departed and not complaints(said, settings.exports.file, paths):
            log.warning("exports done, with complaints about other files", output=said.strip())
            return None
    ended = "did not end in time" if outcome.status is None else "failed"
    return EtcsyncError(
        f"`{' '.join(command)}` {ended}: {said.strip() or outcome.status}",
        hint=f"{settings.exports.file} is as it was before. Correct what the message names, in the "
        "settings or in the file that it names, then run `etcsync exports apply`.",
    )


def _put_back(settings: Settings, former: str | None) -> None:
    if former is None:
        os.unlink(settings.exports.file)
    else:
        _write(settings.exports.file, former)
    run_command(settings.exports.command)


def _write(file: str, text: str) -> None:
    try:
        os.makedirs(os.path.dirname(file), 0o755, exist_ok=True)
        write_file(os.path.realpath(file), _encoded(text))
    except PermissionError as error:
        raise EtcsyncError(f"{file} may not be written", hint="Run etcsync as root.") from error
    except OSError as error:
        raise EtcsyncError(f"{file} cannot be written: {error.strerror}") from error


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _forget_refusal(settings: Settings) -> None:
    with suppress(FileNotFoundError):
        os.unlink(_refused_path(settings))


def _refused_path(settings: Settings) -> str:
    return os.path.join(settings.state_dir, "refused.exports")
