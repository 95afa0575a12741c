"""The daemon while somebody sets the clock back under it."""

import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from cluster import Cluster, sample_cluster
from daemon_support import daemon_settings, eventually, everywhere, recorded, running

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="a C compiler moves the clock")

DAY = 86400

MOVED_CLOCK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <time.h>

int clock_gettime(clockid_t which, struct timespec *now)
{
    static int (*real)(clockid_t, struct timespec *);
    if (!real)
        real = (int (*)(clockid_t, struct timespec *)) dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(which, now);
    FILE *file = which == CLOCK_REALTIME ? fopen(MOVED_BY, "r") : NULL;
    if (file) {
        long seconds;
        if (fscanf(file, "%ld", &seconds) == 1)
            now->tv_sec += seconds;
        fclose(file);
    }
    return result;
}
"""


@pytest.fixture
def clock(tmp_path: Path) -> tuple[dict[str, str], Callable[[int], None]]:
    """Return the environment in which the clock can be moved, and what moves it."""
    (tmp_path / "clock.c").write_text(MOVED_CLOCK)
    library, moved = tmp_path / "clock.so", tmp_path / "moved"
    subprocess.run(
        ["cc", "-shared", "-fPIC", f'-DMOVED_BY="{moved}"', "-o", library, tmp_path / "clock.c",
         "-ldl"], check=True,
    )  # fmt: skip

    def move(seconds: int) -> None:
        moved.with_suffix(".new").write_text(str(seconds))
        moved.with_suffix(".new").replace(moved)

    move(0)
    return {"LD_PRELOAD": str(library)}, move


def last_pass(cluster: Cluster) -> str:
    told: str = cluster.run("status", "--json").json["daemon"]["last_pass"]["time"]
    return told


def test_a_clock_that_is_set_back_stops_nothing(tmp_path: Path, clock) -> None:
    environment, move = clock
    cluster = sample_cluster(tmp_path, extra=daemon_settings("1s"))
    with running(cluster, **environment) as daemon:
        cluster.write("motd", "before\n")
        eventually(lambda: everywhere(cluster, "motd", "before\n"))
        before = last_pass(cluster)
        move(-2 * DAY)
        cluster.write("motd", "after\n")
        eventually(lambda: everywhere(cluster, "motd", "after\n"))
        eventually(lambda: last_pass(cluster) < before)
        (cluster.tree(1) / "motd").write_text("mine\n")
        eventually(lambda: recorded(cluster, "client1", "motd") == "mine\n")
        count = len(daemon.passes(why="interval"))
        eventually(lambda: len(daemon.passes(why="interval")) > count + 1)
        assert daemon.end() == 0
    with running(cluster, **environment):
        cluster.write("hosts", "127.0.0.1 localhost\n")
        eventually(lambda: everywhere(cluster, "hosts", "127.0.0.1 localhost\n"))
        states = ["synced", "drifted", "synced"]
        eventually(lambda: [each["state"] for each in cluster.status().values()] == states)


def test_the_service_manager_hears_signs_of_life_all_the_same(tmp_path: Path, clock) -> None:
    environment, move = clock
    cluster = sample_cluster(tmp_path, extra=daemon_settings())
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(10)
        environment |= {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "400000"}
        with running(cluster, **environment):
            move(-DAY)
            until = time.monotonic() + 3
            while time.monotonic() < until:
                manager.recv(4096)
