"""The demonstration's shared root: a sample /etc under etckeeper, or git where that is missing."""

import os
import shutil
import subprocess

from etcsync.demo.sample_etc import write_sample_etc
from etcsync.errors import EtcsyncError

IDENTITY = {
    "GIT_AUTHOR_NAME": "Demo Admin",
    "GIT_AUTHOR_EMAIL": "admin@example.org",
    "GIT_COMMITTER_NAME": "Demo Admin",
    "GIT_COMMITTER_EMAIL": "admin@example.org",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}


class DemoUpstream:
    """An upstream /etc that the demonstration edits and commits to as an administrator would."""

    def __init__(self, root: str) -> None:
        """Build the sample below ``root`` and commit it."""
        self.etc = os.path.join(root, "etc")
        self.etckeeper = shutil.which("etckeeper") is not None
        os.makedirs(self.etc)
        write_sample_etc(self.etc)
        if self.etckeeper:
            self._run("etckeeper", "init", "-d", self.etc)
        else:
            self._run("git", "-C", self.etc, "init", "--quiet")
        self.commit("A sample /etc")

    def read(self, path: str) -> str:
        """Return the text of upstream's file ``path``."""
        with open(os.path.join(self.etc, path), encoding="utf-8") as stream:
            return stream.read()

    def write(self, path: str, text: str) -> None:
        """Write upstream's file ``path``."""
        with open(os.path.join(self.etc, path), "w", encoding="utf-8") as stream:
            stream.write(text)

    def commit(self, message: str) -> None:
        """Commit all of upstream's changes."""
        if self.etckeeper:
            self._run("etckeeper", "commit", "-d", self.etc, message)
        else:
            self._run("git", "-C", self.etc, "add", "--all")
            self._run("git", "-C", self.etc, "commit", "--quiet", "-m", message)

    def _run(self, *command: str) -> None:
        done = subprocess.run(
            command,
            env={**os.environ, **IDENTITY, "HOME": self.etc},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise EtcsyncError(
                f"{command[0]} failed in the demonstration: {done.stderr or done.stdout}"
            )
