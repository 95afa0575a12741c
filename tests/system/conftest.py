"""A real root file system: Debian with etckeeper, git, sshd, sudo, systemd and pacman's tools."""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

PACKAGES = "etckeeper,git,openssh-server,pacman-package-manager,sudo,systemd"
CACHE = Path(__file__).parents[2] / ".cache"
NAME = f"debian-root-{sha256(PACKAGES.encode()).hexdigest()[:8]}"
"""Of its own for each list of packages: a root that was built from another one is not used."""


@pytest.fixture(scope="session")
def debian_base() -> Path:
    """Return a root that no test writes to: ``$ETCSYNC_TEST_ROOT``, or one that is built once."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    if given := os.environ.get("ETCSYNC_TEST_ROOT"):
        return complete(Path(given))
    base = CACHE / NAME
    CACHE.mkdir(exist_ok=True)
    with open(CACHE / f"{NAME}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not base.exists():
            build(base)
    return base


def build(base: Path) -> None:
    """Make the root; by one of the processes that run tests, while the others wait."""
    if shutil.which("debootstrap") is None:
        pytest.skip("needs debootstrap, or a root in $ETCSYNC_TEST_ROOT")
    partial = CACHE / f"{NAME}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    subprocess.run(
        ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", partial],
        check=True,
    )
    track_etc(partial)
    partial.rename(base)


def complete(root: Path) -> Path:
    """Return the root; fail if it was built before a package was added to `PACKAGES`."""
    installed = {path.stem.partition(":")[0] for path in root.glob("var/lib/dpkg/info/*.list")}
    missing = set(PACKAGES.split(",")) - installed
    assert not missing, f"$ETCSYNC_TEST_ROOT lacks {', '.join(sorted(missing))}: build it anew"
    return root


def track_etc(root: Path) -> None:
    """Commit the root's /etc with its own etckeeper, if its installation has not done so."""
    script = "etckeeper init; git -C /etc rev-parse -q --verify HEAD || etckeeper commit Initial"
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}
    subprocess.run(["chroot", root, "sh", "-ec", script], env=environment, check=True)


@pytest.fixture
def debian_root(debian_base: Path, tmp_path: Path) -> Iterator[Path]:
    """Return a copy of the root for one test.

    Where the kernel allows it this is an overlay, made in milliseconds, with the base as its lower
    directory; only /etc is copied, so that it is as plain a directory as in a real root.
    """
    root, upper, work = (tmp_path / name for name in ("root", "upper", "work"))
    for directory in (root, upper, work):
        directory.mkdir()
    options = f"lowerdir={debian_base},upperdir={upper},workdir={work}"
    mount = ["mount", "-t", "overlay", "overlay", "-o", options, root]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        subprocess.run(["cp", "-a", "--reflink=auto", f"{debian_base}/.", root], check=True)
        yield root
        shutil.rmtree(root)
        return
    try:
        shutil.rmtree(root / "etc")
        subprocess.run(["cp", "-a", debian_base / "etc", root / "etc"], check=True)
        yield root
    finally:
        subprocess.run(["umount", "--lazy", root], check=True)
        shutil.rmtree(upper)
