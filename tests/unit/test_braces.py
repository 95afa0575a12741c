"""Names from patterns, as bash expands braces."""

import shutil
import subprocess

import pytest

from etcsync.braces import expand_braces
from etcsync.errors import UsageError


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("client0", ["client0"]),
        ("client{0..2}", ["client0", "client1", "client2"]),
        ("n{08..11}", ["n08", "n09", "n10", "n11"]),
        ("{a,b,c}", ["a", "b", "c"]),
        ("r{1..2}-{a,b}", ["r1-a", "r1-b", "r2-a", "r2-b"]),
        ("client{0..1},extra", ["client0", "client1", "extra"]),
        ("a, b ,c", ["a", "b", "c"]),
        ("{3..1}", ["3", "2", "1"]),
        ("{0..10..5}", ["0", "5", "10"]),
        ("{a..c}", ["a", "b", "c"]),
        ("x{1,2{a,b}}", ["x1", "x2a", "x2b"]),
        ("c{0..2},c{1..3}", ["c0", "c1", "c2", "c3"]),
    ],
)
def test_a_pattern_expands_to_names_in_order(pattern, names) -> None:
    assert expand_braces(pattern) == names


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("", "a name is empty"),
        ("a,,b", "a name is empty"),
        ("a{0..5", "a '{' has no '}'"),
        ("a0..5}", "a '}' has no '{'"),
        ("a{}", "neither a range"),
        ("a{b}", "neither a range"),
        ("a{1..x}", "neither a range"),
        ("a{0..100000}", "100001 names"),
        ("a{0..999999999999999}", "1000000000000000 names"),
        ("a{0..999}{0..999}", "1000000 names"),
        ("a{0..99999},b{0..1}", "100001 names|100002 names"),
        ("{0.." + "9" * 5000 + "}", "neither a range"),
        ("{" * 3000 + "}" * 3000, "more than 50 groups"),
    ],
)
def test_a_slip_is_refused_with_a_reason(pattern, reason) -> None:
    with pytest.raises(UsageError, match=reason) as caught:
        expand_braces(pattern)
    assert len(caught.value.message) < 400


@pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")
def test_bash_expands_the_same() -> None:
    patterns = [
        "c{0..5}", "{00..12}", "{9..011}", "{-2..2}", "{-02..2}", "{5..1..2}", "{01..100..50}",
        "{c..a}", "p{a,b}{1..3}q", "{a,b{1,2},c}", "{0..5..0}",
    ]  # fmt: skip
    for pattern in patterns:
        shell = subprocess.run(
            ["bash", "-c", f"echo {pattern}"], capture_output=True, text=True, check=True
        )
        assert expand_braces(pattern) == shell.stdout.split(), pattern
