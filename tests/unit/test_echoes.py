import pytest

from etcsync.daemon.echoes import LIMIT, Echoes


@pytest.fixture
def written():
    """Look at a tree at 1, write motd at 2, and look at what was written at 3."""
    echoes = Echoes(["a"])
    echoes.looking("a", 1.0)
    echoes.hear("a", "motd", 2.0)
    echoes.hear("a", ".etckeeper", 2.0)
    echoes.looking("a", 3.0)
    return echoes


def test_what_a_pass_writes_is_no_news(written):
    assert written.news("a", {"motd"}) is None


def test_a_new_version_that_has_no_name_yet_is_no_news(written):
    written.hear("a", "#2424974", 2.5)
    assert written.news("a", {"motd"}) is None
    written.hear("a", "#2424974", 3.5)
    assert written.news("a", {"motd"}) == 3.5


def test_a_file_that_is_only_called_so_is_news(written):
    written.hear("a", "skel/#7", 2.5)
    assert written.news("a", {"motd"}) == 2.5


def test_what_a_client_writes_meanwhile_is_news(written):
    written.hear("a", "hosts", 2.5)
    assert written.news("a", {"motd"}) == 2.5


def test_what_a_client_writes_over_the_pass_is_news_after_the_last_look(written):
    written.hear("a", "motd", 3.0)
    assert written.news("a", {"motd"}) == 3.0


def test_what_was_heard_before_the_look_is_covered_by_it(written):
    written.hear("a", "hosts", 0.9)
    assert written.news("a", {"motd"}) is None


def test_an_event_at_an_unknown_place_is_news(written):
    written.hear("a", None, 2.0)
    assert written.news("a", {"motd"}) == 2.0


def test_without_a_look_everything_is_news():
    echoes = Echoes(["a", "b"])
    echoes.hear("a", "motd", 1.0)
    assert echoes.news("a", ()) == 1.0
    assert echoes.news("b", ()) is None
    assert "c" not in echoes


def test_a_client_that_writes_at_many_places_takes_no_memory(written):
    for number in range(LIMIT * 2):
        written.hear("a", f"file{number}", 2.5)
    written.hear("a", "motd", 2.6)
    assert written.news("a", {"motd", *(f"file{n}" for n in range(LIMIT * 2))}) == 2.5
