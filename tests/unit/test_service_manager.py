import os
import socket

import pytest

from etcsync.daemon.service_manager import ServiceManager


@pytest.fixture(params=["path", "abstract"])
def manager(request, tmp_path):
    """A service manager's socket, and the address by which it is named to services."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        path = str(tmp_path / "notify")
        end.bind(path if request.param == "path" else f"\0{path}")
        end.settimeout(5)
        yield end, path if request.param == "path" else f"@{path}"


def test_what_is_told_arrives_as_lines(manager):
    end, address = manager
    manager = ServiceManager(address)
    manager.ready("at work")
    assert end.recv(4096) == b"READY=1\nSTATUS=at work"
    manager.status("two\nlines")
    assert end.recv(4096) == b"STATUS=two lines"
    manager.alive()
    assert end.recv(4096) == b"WATCHDOG=1"
    manager.stopping()
    assert end.recv(4096).startswith(b"STOPPING=1")


def test_reloading_names_the_moment(manager):
    end, address = manager
    ServiceManager(address).reloading()
    first, second = end.recv(4096).split(b"\n")
    assert first == b"RELOADING=1"
    name, _, moment = second.partition(b"=")
    assert name == b"MONOTONIC_USEC"
    assert int(moment) > 0


def test_the_environment_names_the_way_and_keeps_it_from_children():
    environment = {
        "NOTIFY_SOCKET": "/run/x",
        "WATCHDOG_USEC": "30000000",
        "WATCHDOG_PID": str(os.getpid()),
        "LANG": "C",
    }
    assert ServiceManager.from_environment(environment).watchdog == 30.0
    assert environment == {"LANG": "C"}


@pytest.mark.parametrize(
    "environment", [{}, {"WATCHDOG_USEC": "0"}, {"WATCHDOG_USEC": "9", "WATCHDOG_PID": "1"}]
)
def test_no_sign_of_life_is_wanted(environment):
    assert ServiceManager.from_environment(environment).watchdog is None


def test_without_a_manager_or_with_one_that_is_gone_nothing_happens(tmp_path):
    ServiceManager().ready("")
    ServiceManager(str(tmp_path / "gone")).ready("")
