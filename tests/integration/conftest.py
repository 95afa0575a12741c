"""Mounts for tests that need them, undone whatever happens; and a cluster to be spoilt."""

import shutil
import subprocess
from contextlib import ExitStack

import pytest
from cluster import Cluster
from doctor_support import build_sound_cluster


def _unmount(target):
    subprocess.run(["umount", "--lazy", str(target)], check=False)


@pytest.fixture
def mounted_tmpfs():
    """Mount an empty file system; give its size as tmpfs takes it."""
    with ExitStack() as stack:

        def mount(target, size="1M", *options):
            given = ",".join((f"size={size}", "mode=0755", *options))
            subprocess.run(
                ["mount", "-t", "tmpfs", "-o", given, "etcsync-test", str(target)], check=True
            )
            stack.callback(_unmount, target)

        yield mount


@pytest.fixture
def bind_mounted():
    """Mount a directory or file a second time, elsewhere."""
    with ExitStack() as stack:

        def mount(source, target):
            subprocess.run(["mount", "--bind", str(source), str(target)], check=True)
            stack.callback(_unmount, target)

        yield mount


@pytest.fixture(scope="session")
def sound_place(tmp_path_factory):
    """Build a cluster in which nothing is wrong, and keep a copy of it beside it."""
    place = tmp_path_factory.mktemp("sound") / "cluster"
    place.mkdir()
    build_sound_cluster(place)
    subprocess.run(["cp", "-a", place, place.with_name("copy")], check=True)
    return place


@pytest.fixture
def sound_cluster(sound_place):
    """Return that cluster as it was built, whatever other tests made of it."""
    shutil.rmtree(sound_place)
    subprocess.run(["cp", "-a", sound_place.with_name("copy"), sound_place], check=True)
    return Cluster(sound_place)
