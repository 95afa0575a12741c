import pytest

from etcsync.daemon.agenda import HINTED_PAUSE, LONGEST_PAUSE, OVERDUE, PATIENCE, Agenda, Rhythm
from etcsync.daemon.passes import Why

SETTLE, INTERVAL = 1.0, 300.0


@pytest.fixture
def agenda():
    return Agenda(Rhythm(SETTLE, INTERVAL), ("a", "b", "c"), 0.0)


def make(agenda, now, failed=(), slow=()):
    """Make the pass that is due, and return why and for whom."""
    task = agenda.due(now)
    if task is None:
        return None
    agenda.begin(task, now)
    agenda.done(task, now, failed=failed, slow=slow)
    return task.why, task.clients


def test_nothing_is_due_by_itself_but_the_full_reconciliation_in_the_end(agenda):
    assert agenda.due(10.0) is None
    assert agenda.wake() == INTERVAL * OVERDUE
    assert make(agenda, INTERVAL * OVERDUE) == (Why.INTERVAL, ("a", "b", "c"))
    assert agenda.due(INTERVAL * OVERDUE) is None


def test_a_burst_becomes_one_pass_after_some_quiet(agenda):
    for now in (5.0, 5.5, 6.4):
        agenda.client_changed("b", now)
    assert agenda.wake() == 6.4 + SETTLE
    assert make(agenda, 7.3) is None
    assert make(agenda, 7.4) == (Why.CLIENT, ("b",))
    assert make(agenda, 8.0) is None


def test_a_client_that_never_rests_is_not_waited_for_without_end(agenda):
    for tenth in range(200):
        agenda.client_changed("a", tenth / 10)
        if agenda.due(tenth / 10):
            break
    assert tenth / 10 == SETTLE * PATIENCE


def test_the_end_of_a_transaction_is_taken_up_at_once_and_for_all(agenda):
    agenda.client_changed("a", 4.9)
    agenda.whole(Why.UPSTREAM, 5.0, at_once=True)
    assert make(agenda, 5.0) == (Why.UPSTREAM, ("a", "b", "c"))
    assert make(agenda, 9.0) is None, "the client's change was taken care of as well"


def test_what_is_heard_during_a_pass_is_due_after_it(agenda):
    agenda.client_changed("a", 0.0)
    task = agenda.due(1.0)
    agenda.begin(task, 1.0)
    agenda.client_changed("a", 1.5)
    agenda.done(task, 2.0, failed=(), slow=())
    assert make(agenda, 2.5) == (Why.CLIENT, ("a",))


def test_a_client_that_fails_is_tried_again_later_and_later_and_alone(agenda):
    agenda.whole(Why.START, 0.0, at_once=True)
    make(agenda, 0.0, failed={"b"})
    now, pauses = 0.0, []
    while len(pauses) < 12:
        wake = agenda.wake()
        pauses.append(wake - now)
        now = wake
        why, clients = make(agenda, now, failed={"b"})
        assert (why, clients) == (Why.RETRY, ("b",)) or why is Why.INTERVAL
    assert pauses[:5] == [1.0, 2.0, 4.0, 8.0, 16.0]
    assert max(pauses) <= LONGEST_PAUSE


def test_a_success_ends_the_pauses(agenda):
    agenda.client_changed("b", 0.0)
    make(agenda, 1.0, failed={"b"})
    assert make(agenda, 2.0) == (Why.RETRY, ("b",))
    assert agenda.wake() == INTERVAL * OVERDUE


def test_a_failing_client_is_left_out_when_upstream_changes(agenda):
    agenda.client_changed("b", 0.0)
    make(agenda, 1.0, failed={"b"})
    agenda.whole(Why.UPSTREAM, 1.0, at_once=True)
    assert make(agenda, 1.0) == (Why.UPSTREAM, ("a", "c"))
    assert make(agenda, 2.0) == (Why.RETRY, ("b",))


def test_a_change_in_the_tree_of_a_failing_client_shortens_its_pause(agenda):
    now = 0.0
    agenda.client_changed("b", now)
    for _ in range(8):
        now = agenda.wake()
        make(agenda, now, failed={"b"})
    assert agenda.wake() - now == 128.0
    agenda.client_changed("b", now + 1.0)
    assert agenda.wake() == now + HINTED_PAUSE
    assert make(agenda, now + HINTED_PAUSE) == (Why.CLIENT, ("b",))


def test_while_upstream_is_busy_nothing_is_due_and_afterwards_all_of_it_at_once(agenda):
    agenda.whole(Why.UPSTREAM, 0.0)
    task = agenda.due(1.0)
    agenda.begin(task, 1.0)
    agenda.wait(task, 1.0)
    agenda.client_changed("a", 2.0)
    assert agenda.wake() == float("inf")
    assert agenda.due(INTERVAL * 2) is None
    agenda.resume()
    assert make(agenda, 3.0)[0] is Why.UPSTREAM


def test_a_pass_that_met_another_etcsync_is_made_a_little_later(agenda):
    agenda.client_changed("c", 0.0)
    task = agenda.due(1.0)
    agenda.begin(task, 1.0)
    agenda.put_back(task, 3.0, pause=1.0)
    assert agenda.due(3.9) is None
    assert make(agenda, 4.0) == (Why.CLIENT, ("c",))


@pytest.mark.parametrize("change", [Why.SETTINGS, Why.UPSTREAM, Why.INTERVAL])
def test_what_cannot_work_waits_for_a_change(agenda, change):
    agenda.client_changed("a", 0.0)
    task = agenda.due(1.0)
    agenda.begin(task, 1.0)
    agenda.failed(task, 1.0, hopeless=True)
    agenda.client_changed("b", 2.0)
    assert agenda.due(200.0) is None
    agenda.whole(change, 200.0, at_once=True)
    assert make(agenda, 200.0) == (change, ("a", "b", "c"))


def test_what_failed_as_a_whole_is_tried_again_by_itself(agenda):
    agenda.whole(Why.UPSTREAM, 0.0, at_once=True)
    now, pauses = 0.0, []
    for _ in range(8):
        task = agenda.due(now)
        assert task.why is Why.UPSTREAM
        agenda.begin(task, now)
        agenda.failed(task, now, hopeless=False)
        pauses.append(agenda.wake() - now)
        now = agenda.wake()
    assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]
    assert make(agenda, now) == (Why.UPSTREAM, ("a", "b", "c"))


def test_a_client_that_is_slow_to_look_at_comes_after_the_others(agenda):
    agenda.whole(Why.START, 0.0, at_once=True)
    make(agenda, 0.0, slow={"a"})
    agenda.whole(Why.UPSTREAM, 1.0, at_once=True)
    assert make(agenda, 1.0) == (Why.UPSTREAM, ("b", "c"))
    assert make(agenda, 1.0) == (Why.CLIENT, ("a",))
    agenda.whole(Why.UPSTREAM, 2.0, at_once=True)
    assert make(agenda, 2.0) == (Why.UPSTREAM, ("a", "b", "c")), "it was quick the last time"


def test_other_settings_may_have_other_clients(agenda):
    agenda.client_changed("a", 0.0)
    agenda.follow(Rhythm(0.0, INTERVAL), ("b", "d"))
    agenda.client_changed("a", 0.0)
    agenda.client_changed("d", 0.0)
    assert make(agenda, 0.0) == (Why.CLIENT, ("d",))
