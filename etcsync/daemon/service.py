"""The daemon's loop: one thread that reconciles what the agenda says, until it is told to end.

Watchers and timers only leave hints; nothing but this thread writes. It walks the road that the
command line walks, under the same lock.
"""

import gc
import os
import time
from collections.abc import Callable
from contextlib import ExitStack

from etcsync.config import Settings
from etcsync.daemon.agenda import Agenda, Rhythm, Task
from etcsync.daemon.bell import Bell
from etcsync.daemon.contests import Contests
from etcsync.daemon.diary import Diary
from etcsync.daemon.echoes import Echoes
from etcsync.daemon.hearing import Hearing
from etcsync.daemon.observing import Observing
from etcsync.daemon.passes import Pass, Why
from etcsync.daemon.passing import make_pass
from etcsync.daemon.service_manager import ServiceManager
from etcsync.daemon.signals import Wishes
from etcsync.daemon.timers import Timers
from etcsync.daemon.watching import Watching
from etcsync.errors import EtcsyncError, LockError, SettingsError, UpstreamBusyError
from etcsync.host.transactions import transaction_in_progress
from etcsync.logs import get_logger
from etcsync.plan.model import Act
from etcsync.reconcile.lock import only_daemon
from etcsync.reconcile.model import Run
from etcsync.reconcile.options import SyncOptions

CHECK_SECONDS = 1.0
"""How often the loop looks up what inotify may not have told."""

BUSY_SECONDS = 0.1
"""How often the loop looks whether a transaction goes on; it waits for one only with work to do."""

STALE_LOCK = 60.0
"""Seconds after which it looks no more often than every second."""

LOCK_WAIT = 2.0
"""Seconds that a pass waits for another etcsync that writes, before it is put back."""

ACCOUNT_PATIENCE = 1.0
"""Seconds that a pass waits for programs on clients that change accounts; those clients are tried
again by themselves, so that they do not delay the others."""

SLOW_LOOK = 2.0
"""Seconds from which on a look at a tree counts as slow: the others go first from then on."""

LONGEST_PASS = 900.0
"""Seconds without any progress after which a pass counts as stuck; git itself is given 600."""

log = get_logger()


class Service:
    """The daemon.

    Attributes:
        settings: Those in force.
        last_beat: When the loop, or a pass, last made progress; seconds of `time.monotonic`.
    """

    def __init__(
        self,
        settings: Settings,
        load: Callable[[], Settings],
        *,
        manager: ServiceManager | None = None,
    ) -> None:
        """Take what the daemon works with.

        Args:
            settings: The settings to begin with.
            load: Reads them again; may raise `SettingsError`.
            manager: The way to the service manager.

        Raises:
            SettingsError: They name services to notify, and what it takes is not installed.
        """
        self.settings = settings
        self.last_beat = time.monotonic()
        self._load = load
        self._manager = manager or ServiceManager()
        self._observing = Observing(settings, self.alive)
        self._wishes = Wishes()
        self._refused: str | None = None
        self._next_check = 0.0
        self._in_pass = False
        self._busy_since: float | None = None
        self._bell = Bell()
        self._hearing = Hearing(self._new_agenda(), self._bell)
        self._watching = Watching(self._hearing)
        self._timers = Timers()
        self._contests = Contests()
        self._diary = Diary()

    def run(self) -> None:
        """Reconcile until SIGTERM or SIGINT comes; return when the pass at work has ended.

        Raises:
            LockError: Another daemon is running.
            EtcsyncError: ``daemon.listen`` cannot be listened on.
            StateError: The state directory cannot be written.
            OSError: It cannot be used.
        """
        with ExitStack() as stack:
            stack.callback(self._bell.close)
            stack.enter_context(only_daemon(self.settings.daemon_lock_path))
            stack.enter_context(self._wishes.heard(self._bell))
            stack.callback(self._watching.close)
            stack.callback(self._timers.close)
            stack.callback(self._observing.stop)
            self._observing.start()
            self._diary.begin(self.settings)
            self._watching.follow(self.settings)
            self._timers.follow(self.settings.daemon.interval, self._hearing.interval_over)
            if self._manager.watchdog:
                self._timers.every(self._manager.watchdog / 2, self._sign_of_life)
            _settle_memory()
            clients = len(self.settings.clients)
            log.info("watching", clients=clients, process=os.getpid())
            self._manager.ready(f"watching {clients} clients")
            while not self._wishes.end:
                self._turn()
            self._manager.stopping()
            self._diary.end(self.settings, time.monotonic())
            log.info("ended")

    def alive(self) -> bool:
        """Whether the loop is at work, or waits as it should; for any thread."""
        limit = LONGEST_PASS if self._in_pass else CHECK_SECONDS * 10
        return time.monotonic() - self.last_beat < limit

    def _new_agenda(self) -> Agenda:
        now = time.monotonic()
        agenda = Agenda(_rhythm(self.settings), (c.name for c in self.settings.clients), now)
        agenda.whole(Why.START, now, at_once=True)
        return agenda

    def _turn(self) -> None:
        """Do what is due, or wait for something to do."""
        self._beat()
        if time.monotonic() >= self._next_check:
            self._watching.check()
            self._next_check = time.monotonic() + CHECK_SECONDS
        if self._wishes.reload:
            self._reload()
        if self._busy_since is not None:
            self._await_transaction(self._busy_since)
            return
        with self._hearing.agenda() as agenda:
            now = time.monotonic()
            task = agenda.due(now)
            if task is None:
                pause = min(agenda.wake() - now, CHECK_SECONDS)
            else:
                agenda.begin(task, now)
        if task is None:
            self._bell.wait(pause)
            return
        if Why.SETTINGS in task.causes:
            self._take_over_settings()
            task = task._replace(clients=tuple(client.name for client in self.settings.clients))
        self._carry_out(task)

    def _await_transaction(self, since: float) -> None:
        """Let the agenda go on once nothing is at work upstream any more."""
        upstream = self.settings.upstream
        if transaction_in_progress(upstream.root, upstream.etc) is None:
            self._busy_since = None
            with self._hearing.agenda() as agenda:
                agenda.resume()
            return
        lasting = time.monotonic() - since
        self._bell.wait(BUSY_SECONDS if lasting < STALE_LOCK else CHECK_SECONDS)

    def _carry_out(self, task: Task) -> None:
        """Make a pass, and note in the agenda what is to follow from it."""
        if Why.INTERVAL in task.causes:
            self._watching.retry()
        self._watching.refresh(task.clients)
        echoes = Echoes(task.clients)

        def advance(_step: str, _done: int, _total: int) -> None:
            self._beat()

        options = SyncOptions(
            wait=LOCK_WAIT,
            account_patience=ACCOUNT_PATIENCE,
            stop=lambda: self._wishes.end,
            contested=self._contests.contested(task.clients),
            quiet=self._quiet(task),
        )
        self._in_pass = True
        with self._hearing.during_pass(echoes):
            made = make_pass(self.settings, task, options, advance)
        self._in_pass = False
        unheard = self._watching.refresh(task.clients)
        with self._hearing.agenda() as agenda:
            self._conclude(agenda, task, made, echoes)
            for name in unheard:  # a directory that the pass made was not watched so far
                agenda.client_changed(name, time.monotonic())
            if made.run is not None:
                self._hearing.looked_at(c.name for c in made.run.clients if not c.unsettled)
        self._tell(made)
        gc.collect()
        self._beat()

    def _quiet(self, task: Task) -> frozenset[str]:
        """Return the clients whose trees need not be looked at to bring upstream's commit there.

        What is not heard of is found by the full reconciliation, which looks at everything.
        """
        if task.causes != {Why.UPSTREAM}:
            return frozenset()
        return frozenset(filter(self._watching.hears, self._hearing.quiet()))

    def _conclude(self, agenda: Agenda, task: Task, made: Pass, echoes: Echoes) -> None:
        now = time.monotonic()
        error = made.error
        if made.run is not None:
            failed = {client.name for client in made.run.clients if client.error}
            slow = {each.name for each in made.run.clients if each.look_seconds > SLOW_LOOK}
            agenda.done(task, now, failed=failed, slow=slow)
            written = {c.name: {a.path for a in c.actions} for c in made.run.clients}
            for client in made.run.clients:
                if client.unsettled:
                    agenda.client_changed(client.name, now)
                for moment in client.looks:
                    echoes.looking(client.name, moment)
            for name in task.clients:
                news = echoes.news(name, written.get(name, ()))
                if news is not None:
                    agenda.client_changed(name, news)
            self._note_heals(made.run, now)
        elif isinstance(error, UpstreamBusyError):
            agenda.wait(task, now)
            self._busy_since = now
        elif isinstance(error, LockError):
            agenda.put_back(task, now, pause=CHECK_SECONDS)
        else:
            agenda.failed(task, now, hopeless=isinstance(error, SettingsError))

    def _note_heals(self, run: Run, now: float) -> None:
        for client in run.clients:
            healed = [action.path for action in client.actions if action.act is Act.HEAL]
            held = [each.path for each in client.conflicts]
            for path in self._contests.note(client.name, healed, held, now):
                log.warning(
                    "a client and upstream keep overwriting each other; the path will be held",
                    client=client.name,
                    path=path,
                    upstream=run.upstream_commit,
                )

    def _tell(self, made: Pass) -> None:
        """Tell the record, the service manager and the observers of a pass."""
        if isinstance(made.error, UpstreamBusyError | LockError):
            self._manager.status(f"waiting: {made.error.message}")
            return
        last = self._diary.note(self.settings, made, time.monotonic())
        self._manager.status(
            f"{len(self.settings.clients)} clients; last pass ({made.why}): {last.result}"
        )
        for observer in self._observing.observers:
            observer(made)

    def _reload(self) -> None:
        """Read the settings now, and reconcile with them; for an administrator who asks for it."""
        self._wishes.reload = False
        self._refused = None
        self._manager.reloading()
        sound = self._take_over_settings()
        self._hearing.reload()
        clients = f"watching {len(self.settings.clients)} clients"
        self._manager.ready(clients if sound else "the old settings stay in force: see the log")

    def _take_over_settings(self) -> bool:
        """Take new settings over, or keep the old ones where the new are wrong, and say so once.

        Returns:
            Whether the settings in force are those of the file.
        """
        try:
            new = self._new_settings()
            if new != self.settings:
                self._observing.use(new)
        except EtcsyncError as error:
            self._refuse(error)
            return False
        self._refused = None
        if new == self.settings:
            return True
        self.settings = new
        with self._hearing.agenda() as agenda:
            agenda.follow(_rhythm(new), (client.name for client in new.clients))
        self._watching.follow(new)
        self._timers.follow(new.daemon.interval, self._hearing.interval_over)
        log.info("took over new settings", clients=len(new.clients))
        return True

    def _refuse(self, error: EtcsyncError) -> None:
        if self._refused != error.message:
            log.error("the old settings stay in force", error=error.message, hint=error.hint)
        self._refused = error.message

    def _new_settings(self) -> Settings:
        """Return the settings that the file says.

        Raises:
            SettingsError: They are wrong, or cannot be taken over.
        """
        new = self._load()
        if new.state_dir == self.settings.state_dir:
            return new
        raise SettingsError(
            "state_dir cannot change while the daemon runs",
            hint="Restart it: `systemctl restart etcsync`.",
        )

    def _beat(self) -> None:
        self.last_beat = time.monotonic()

    def _sign_of_life(self) -> None:
        if self.alive():
            self._manager.alive()


def _rhythm(settings: Settings) -> Rhythm:
    return Rhythm(settings.daemon.settle, settings.daemon.interval)


def _settle_memory() -> None:
    """Let the collector run between passes, without what stays as long as the process."""
    gc.collect()
    gc.freeze()
    gc.enable()
