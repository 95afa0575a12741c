import pytest

from etcsync.errors import HubError
from etcsync.hub.ancestry import Ancestry

# a ─ b ─ c ─ e      x (unrelated)
#  └─ d ─────┘
PARENTS = {"a": "", "b": "a", "c": "b", "d": "a", "e": "c d", "f": "d", "x": ""}


class Listing:
    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, commit: str, known: list[str]) -> bytes:
        self.calls += 1
        lines = [f"{oid} {parents}".strip() for oid, parents in PARENTS.items()]
        return "\n".join(lines).encode()


@pytest.fixture
def ancestry() -> Ancestry:
    return Ancestry(Listing())


def test_a_commit_is_its_own_ancestor(ancestry):
    assert ancestry.is_ancestor("c", "c")


def test_ancestors_are_found_through_every_parent(ancestry):
    assert ancestry.is_ancestor("a", "e")
    assert ancestry.is_ancestor("d", "e")
    assert not ancestry.is_ancestor("e", "d")
    assert not ancestry.is_ancestor("x", "e")


def test_the_count_is_that_of_commits_the_older_one_lacks(ancestry):
    assert ancestry.count_between("e", "e") == 0
    assert ancestry.count_between("a", "e") == 4
    assert ancestry.count_between("c", "e") == 2
    assert ancestry.count_between("e", "a") == 0
    assert ancestry.count_between("x", "a") == 1


def test_the_merge_base_is_a_common_ancestor_that_no_other_one_descends_from(ancestry):
    assert ancestry.merge_base("c", "d") == "a"
    assert ancestry.merge_base("e", "f") == "d"
    assert ancestry.merge_base("e", "x") is None
    assert ancestry.merge_base("e", "e") == "e"


def test_a_history_is_listed_once_for_all_questions():
    listing = Listing()
    ancestry = Ancestry(listing)
    for old in PARENTS:
        ancestry.count_between(old, "e")
        ancestry.is_ancestor(old, "e")
    assert listing.calls == 1


def test_equal_commits_need_no_history():
    listing = Listing()
    assert Ancestry(listing).count_between("e", "e") == 0
    assert listing.calls == 0


def test_an_unknown_commit_is_an_error(ancestry):
    with pytest.raises(HubError, match="does not know"):
        ancestry.is_ancestor("a", "zzz")
