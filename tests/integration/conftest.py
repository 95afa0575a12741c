"""Mounts for tests that need them, undone whatever happens."""

import subprocess
from contextlib import ExitStack

import pytest


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
