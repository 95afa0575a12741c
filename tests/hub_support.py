"""Making hubs and commits for tests of what works on a hub."""

import os
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from etcsync.hub.hub import Hub, Identity, RefUpdate, create_hub
from etcsync.hub.importer import Change, Mark, NewCommit

ME = Identity("Ada", "ada@example.org")
NOW = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)


def make_hub(directory: Path) -> str:
    path = str(directory / "hub.git")
    create_hub(path)
    return path


def new_commit(
    changes: Mapping[str, Change],
    parents: tuple[str | Mark, ...] = (),
    message: str = "a message\n",
    tree: str | None = None,
) -> NewCommit:
    return NewCommit(message, parents, changes, ME, ME, NOW, tree)


def record(
    hub: Hub,
    files: Mapping[str, bytes | None],
    *parents: str,
    ref: str | None = None,
    old: str | None = None,
) -> str:
    """Commit regular files, and let a ref name the commit if one is given."""
    with hub.importer() as importer:
        mark = importer.commit(
            new_commit(
                {
                    path: None if content is None else (0o100644, importer.blob(content))
                    for path, content in files.items()
                },
                parents,
            )
        )
        commit = importer.finish()[mark]
    if ref is not None:
        hub.update_refs([RefUpdate(ref, commit, old)])
    return commit


def plain_git(directory: str | Path, *arguments: str, stdin: bytes = b"") -> bytes:
    """Run git as an administrator would, without any settings of this machine."""
    environment = {
        **os.environ,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_AUTHOR_NAME": "Admin",
        "GIT_AUTHOR_EMAIL": "admin@example.org",
        "GIT_COMMITTER_NAME": "Admin",
        "GIT_COMMITTER_EMAIL": "admin@example.org",
    }
    ended = subprocess.run(
        ["git", "-C", str(directory), *arguments],
        input=stdin,
        env=environment,
        capture_output=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr.decode()
    return ended.stdout
