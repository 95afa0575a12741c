"""Whatever is heard and whatever fails: no change is forgotten, and nothing is done without end."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from etcsync.daemon.agenda import OVERDUE, PATIENCE, Agenda, Rhythm
from etcsync.daemon.passes import Why

NAMES = ("a", "b", "c", "d")
WHOLE = (Why.START, Why.UPSTREAM, Why.INTERVAL, Why.SETTINGS)
SETTLE, INTERVAL = 1.0, 60.0


class AgendaMachine(RuleBasedStateMachine):
    """An agenda beside a model: per client, since when its present state has not been looked at."""

    def __init__(self):
        super().__init__()
        self.now = 0.0
        self.agenda = Agenda(Rhythm(SETTLE, INTERVAL), NAMES, self.now)
        self.unseen = {}
        self.failing = set()
        self.whole_failing = False
        self.busy = False
        self.waiting = False
        self.last_full = 0.0

    @rule(seconds=st.floats(0.01, 3.0))
    def time_passes(self, seconds):
        self.now += seconds
        self.work()

    @rule(name=st.sampled_from(NAMES))
    def a_client_changes(self, name):
        self.agenda.client_changed(name, self.now)
        self.unseen.setdefault(name, self.now)

    @rule(why=st.sampled_from(WHOLE), at_once=st.booleans())
    def all_change(self, why, at_once):
        self.agenda.whole(why, self.now, at_once=at_once)
        for name in NAMES:
            self.unseen.setdefault(name, self.now)

    @rule(names=st.sets(st.sampled_from(NAMES)))
    def some_fail_from_now_on(self, names):
        self.failing = names

    @rule(failing=st.booleans())
    def passes_fail_from_now_on(self, failing):
        self.whole_failing = failing

    @rule()
    def a_transaction_begins(self):
        self.busy = True

    @precondition(lambda self: self.busy)
    @rule()
    def a_transaction_ends(self):
        self.busy, self.waiting = False, False
        self.agenda.resume()

    def work(self):
        """Make all passes that are due; they take no time, so there can be few of them."""
        for _ in range(2 * len(NAMES) + 2):
            task = self.agenda.due(self.now)
            if task is None:
                return
            assert task.clients
            self.agenda.begin(task, self.now)
            if self.busy:
                self.agenda.wait(task, self.now)
                self.waiting = True
            elif self.whole_failing:
                self.agenda.failed(task, self.now, hopeless=False)
            else:
                failed = self.failing.intersection(task.clients)
                self.agenda.done(task, self.now, failed=failed, slow=())
                for name in set(task.clients) - failed:
                    self.unseen.pop(name, None)
        raise AssertionError("passes follow each other without end")

    @invariant()
    def what_is_not_due_becomes_due(self):
        if self.agenda.due(self.now) is None and not self.waiting:
            assert self.agenda.wake() > self.now
            assert self.agenda.wake() <= self.now + INTERVAL * OVERDUE

    def teardown(self):
        """All obstacles gone, everything is seen in the time that one may expect."""
        self.failing, self.whole_failing, self.busy = set(), False, False
        self.agenda.resume()
        end = self.now + max(SETTLE * PATIENCE, INTERVAL * OVERDUE)
        while self.unseen and self.now <= end:
            self.work()
            self.now = max(self.agenda.wake(), self.now)
        assert not self.unseen


TestAgenda = AgendaMachine.TestCase
TestAgenda.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
