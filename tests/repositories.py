"""Real repositories for tests, made with git as a user would, without this machine's settings."""

import os
import subprocess
from pathlib import Path

ENVIRONMENT = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_AUTHOR_NAME": "Tester",
    "GIT_AUTHOR_EMAIL": "tester@example.org",
    "GIT_COMMITTER_NAME": "Tester",
    "GIT_COMMITTER_EMAIL": "tester@example.org",
    "LC_ALL": "C",
}


def git(directory: Path, *arguments: str, stdin: bytes = b"") -> str:
    """Run git in a directory and return what it printed, stripped."""
    result = subprocess.run(
        ["git", "-c", "init.defaultBranch=master", "-c", "init.templateDir=", *arguments],
        cwd=directory, env=ENVIRONMENT, input=stdin, capture_output=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr.decode("utf-8", "replace")
    return result.stdout.decode("utf-8", "surrogateescape").strip()


def commit(directory: Path, message: str = "Change") -> str:
    """Commit everything and return the commit's id."""
    git(directory, "add", "--all")
    git(directory, "commit", "--quiet", "--allow-empty", "-m", message)
    return git(directory, "rev-parse", "HEAD")


def write(directory: Path, files: dict[str, str]) -> None:
    """Write text files, with the directories above them."""
    for name, text in files.items():
        place = directory / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)


def make_upstream(root: Path, files: dict[str, str] | None = None) -> Path:
    """Create a root whose /etc is a repository with one commit, and return that /etc."""
    etc = root / "etc"
    etc.mkdir(parents=True)
    git(etc, "init", "--quiet")
    write(etc, files or {"motd": "hello\n", "ssh/sshd_config": "Port 22\n"})
    commit(etc, "Initial commit")
    return etc


def make_hub(state: Path) -> Path:
    """Create an empty bare repository, its HEAD unborn."""
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    hub = state / "hub.git"
    git(state, "init", "--quiet", "--bare", os.fspath(hub))
    return hub


def snapshot(directory: Path) -> dict[str, tuple[int, int, int]]:
    """Return what identifies every file's state below a directory: inode, mtime, ctime."""
    return {
        os.fspath(path): (status.st_ino, status.st_mtime_ns, status.st_ctime_ns)
        for path in [directory, *directory.rglob("*")]
        for status in [path.lstat()]
    }
