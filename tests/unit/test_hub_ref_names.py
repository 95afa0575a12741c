import pytest

from etcsync.errors import HubError
from etcsync.hub.refs import UPSTREAM_REF, base_ref, branch_ref, pending_ref


def test_each_client_has_a_branch_a_base_and_a_pending_ref():
    assert branch_ref("client0") == "refs/heads/client0"
    assert base_ref("client0") == "refs/etcsync/base/client0"
    assert pending_ref("client0") == "refs/etcsync/pending/client0"
    assert UPSTREAM_REF == "refs/heads/upstream"


@pytest.mark.parametrize("name", ["client-1", "PC.example.org", "a", "0", "x_y", "a" * 63])
def test_host_names_are_clients(name):
    assert branch_ref(name).endswith(name)


@pytest.mark.parametrize(
    "name",
    [
        "", "upstream", "_unborn", ".", "..", "a..b", "a.", "a.lock", "-a", ".a", "a/b", "a b",
        "a\n", "ä", "a~1", "a^", "a:b", "a@{0}", "a" * 64,
    ],
)  # fmt: skip
@pytest.mark.parametrize("ref", [branch_ref, base_ref, pending_ref])
def test_what_cannot_be_a_branch_or_is_taken_is_no_client(name, ref):
    with pytest.raises(HubError, match="called"):
        ref(name)
