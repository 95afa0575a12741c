"""Whoever runs etcsync is the committer of what is promoted."""

import socket

import pytest

from etcsync.reconcile.administrator import administrator

VARIABLES = ("GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL", "SUDO_USER", "LOGNAME", "USER")


@pytest.mark.parametrize(
    ("given", "name", "email"),
    [
        ({"SUDO_USER": "ann", "LOGNAME": "root"}, "ann", f"ann@{socket.gethostname()}"),
        ({"LOGNAME": "bob"}, "bob", f"bob@{socket.gethostname()}"),
        ({"GIT_COMMITTER_NAME": "Ann", "SUDO_USER": "ann"}, "Ann", f"ann@{socket.gethostname()}"),
        ({"GIT_COMMITTER_EMAIL": "a@x", "USER": "ann"}, "ann", "a@x"),
    ],
)
def test_who_that_is(monkeypatch, given: dict[str, str], name: str, email: str) -> None:
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    for variable, value in given.items():
        monkeypatch.setenv(variable, value)
    assert administrator() == (name, email)


def test_without_any_variable_there_is_still_somebody(monkeypatch) -> None:
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    assert administrator().name
