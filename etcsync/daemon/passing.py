"""One pass: a reconciliation like any other, in the log under a name of its own; never raising."""

import time
import traceback
import uuid
from datetime import UTC, datetime

from etcsync.config import Settings
from etcsync.daemon.agenda import Task
from etcsync.daemon.passes import Pass
from etcsync.errors import EtcsyncError, LockError, UpstreamBusyError
from etcsync.logs import get_logger, logged_with
from etcsync.reconcile.errors import client_error
from etcsync.reconcile.options import Advance, SyncOptions
from etcsync.reconcile.reconciler import sync_clients

log = get_logger()


def make_pass(settings: Settings, task: Task, options: SyncOptions, advance: Advance) -> Pass:
    """Reconcile a task's clients, and tell how it went; whatever happens, it is in the result.

    Args:
        settings: The settings.
        task: What is to be done.
        options: How far it may go.
        advance: Told how far it is.
    """
    started, clock = datetime.now(UTC), time.monotonic()
    name = uuid.uuid4().hex[:12]
    run, error = None, None
    with logged_with(run=name, why=task.why.value):
        try:
            run = sync_clients(settings, task.clients, options, advance)
        except EtcsyncError as failure:
            error = failure
        except OSError as failure:
            log.debug("an error of the system", traceback=traceback.format_exc())
            error = client_error(failure)
        except Exception as failure:  # noqa: BLE001 - the next pass may succeed, so it goes on
            trace = traceback.format_exc()
            log.error("unforeseen", traceback=trace)  # noqa: TRY400 - as a value, to be escaped
            error = EtcsyncError(
                f"the pass met an error that nobody foresaw: {type(failure).__name__}: {failure}",
                hint="Please report it, with the traceback in the log.",
            )
        made = Pass(name, task.why, task.clients, started, time.monotonic() - clock, run, error)
        _tell(made)
    return made


def error_of(made: Pass) -> EtcsyncError | None:
    """Return what kept a pass from being made, or from putting the server in order."""
    return made.run.server.error if made.run else made.error


def _tell(made: Pass) -> None:
    seconds = round(made.duration, 3)
    if made.run is None:
        error = made.error
        if isinstance(error, UpstreamBusyError | LockError):
            log.info("the pass has to wait", reason=error.message)
        elif error is not None:
            log.error("the pass failed", error=error.message, hint=error.hint, seconds=seconds)
        return
    actions = sum(len(client.actions) for client in made.run.clients)
    failed = [client.name for client in made.run.clients if client.error]
    server = made.run.server
    if server.error:
        log.error(
            "the server is not as it should be", error=server.error.message, hint=server.error.hint
        )
    say = log.info if actions or failed or server.done else log.debug
    say(
        "pass made",
        upstream=made.run.upstream_commit,
        clients=len(made.run.clients),
        actions=actions,
        held=sum(len(client.conflicts) for client in made.run.clients),
        failed=failed,
        seconds=seconds,
    )
