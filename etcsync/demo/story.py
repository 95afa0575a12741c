"""A day in the life of a small cluster, told with etcsync's own commands.

Every claim that the story makes is checked as it is made: the demonstration fails rather than tell
something that did not happen.
"""

import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass

from etcsync.demo.upstream import DemoUpstream
from etcsync.errors import EtcsyncError

CLIENTS = "client{0..2}"

SETTINGS = """\
state_dir = "{place}/state"

[upstream]
root = "{place}/root"

[trees]
path = "{place}/etc-{{client}}"

[exports]
file = "{place}/exports"
command = []

[boot]
mount = "{place}/clientboot"
fstab = "{place}/fstab"

[policy]
packs = ["base", "arch"]
files = ["{place}/demo.toml"]
"""

RULES = """\
[[rule]]
paths = ["*"]
validate = []
reason = "the demonstration's root is an /etc and nothing else: no program in it could check a file"
"""

Etcsync = Callable[[list[str]], int]
"""Runs one etcsync command line and returns its exit status."""

Say = Callable[[str], None]
"""Prints one line of the story."""


@dataclass(frozen=True)
class Stage:
    """Where the story takes place.

    Attributes:
        place: The scratch directory.
        upstream: The shared root's /etc.
        etcsync: Runs a command.
        say: Prints the story.
    """

    place: str
    upstream: DemoUpstream
    etcsync: Etcsync
    say: Say

    def read(self, client: str, path: str) -> str:
        """Return the text of a file in a client's tree."""
        with open(os.path.join(self.place, f"etc-{client}", path), encoding="utf-8") as stream:
            return stream.read()

    def write(self, client: str, path: str, text: str) -> None:
        """Write a file in a client's tree, as that client would."""
        with open(os.path.join(self.place, f"etc-{client}", path), "w", encoding="utf-8") as stream:
            stream.write(text)

    def run(self, *arguments: str, status: int = 0) -> None:
        """Run a command of the story and check its exit status."""
        self.say(f"$ etcsync {shlex.join(arguments)}")
        answered = self.etcsync(list(arguments))
        check(answered == status, f"etcsync {arguments[0]} exited {answered}, not {status}")


def check(holds: bool, otherwise: str) -> None:
    """Stop the story when something did not happen as told."""
    if not holds:
        raise EtcsyncError(f"the demonstration went wrong: {otherwise}")


def tell(place: str, etcsync: Etcsync, say: Say) -> None:
    """Build the cluster below ``place`` and walk through the story."""
    say(f"The cluster lives in {place}.")
    upstream = DemoUpstream(os.path.join(place, "root"))
    say(f"Its shared root's /etc is kept by {'etckeeper' if upstream.etckeeper else 'plain git'}.")
    if os.geteuid() != 0:
        say("Without root, owners cannot be set: every file belongs to you. Modes are kept.")
    with open(os.path.join(place, "etcsync.toml"), "w", encoding="utf-8") as settings:
        settings.write(SETTINGS.format(place=place))
    with open(os.path.join(place, "demo.toml"), "w", encoding="utf-8") as rules:
        rules.write(RULES)
    stage = Stage(place, upstream, etcsync, say)
    for scene in (_setup, _propagation, _drift, _heal, _conflict, _release, _promotion, _history):
        say("")
        scene(stage)
    say("")
    say("That was the main road. `etcsync --help` lists the commands.")


def _setup(stage: Stage) -> None:
    stage.say("1. Three clients get their trees.")
    stage.run("init", "--root", os.path.join(stage.place, "root"), "--clients", CLIENTS)
    mode = os.stat(os.path.join(stage.place, "etc-client0", "shadow")).st_mode & 0o777
    check(mode == 0o600, f"client0's shadow has mode {mode:o}")
    stage.say(f"client0's shadow is {mode:04o}, as the root's is; a git clone would make it 0644.")


def _propagation(stage: Stage) -> None:
    stage.say("2. A commit upstream reaches everyone.")
    stage.upstream.write(
        "chrony.conf", stage.upstream.read("chrony.conf") + "leapsectz right/UTC\n"
    )
    stage.upstream.commit("chrony: know about leap seconds")
    stage.run("sync")
    for client in ("client0", "client1", "client2"):
        check("leapsectz" in stage.read(client, "chrony.conf"), f"{client} lacks the change")


def _drift(stage: Stage) -> None:
    stage.say("3. client0 changes its sshd's port; upstream changes another line of that file.")
    config = stage.read("client0", "ssh/sshd_config")
    stage.write("client0", "ssh/sshd_config", config.replace("Port 22\n", "Port 2222\n"))
    upstream = stage.upstream.read("ssh/sshd_config")
    stage.upstream.write(
        "ssh/sshd_config", upstream.replace("X11Forwarding no", "X11Forwarding yes")
    )
    stage.upstream.commit("sshd: forward X11")
    stage.run("sync")
    merged = stage.read("client0", "ssh/sshd_config")
    check("Port 2222" in merged and "X11Forwarding yes" in merged, "the edits did not merge")
    stage.run("status", "client0")
    stage.run("diff", "client0", "ssh/sshd_config")


def _heal(stage: Stage) -> None:
    stage.say("4. client1 edits a file that policy gives to upstream. It is put back, not lost.")
    stage.write("client1", "pacman.conf", "[options]\nIgnorePkg = linux\n")
    stage.run("sync")
    check("IgnorePkg" not in stage.read("client1", "pacman.conf"), "pacman.conf was not healed")
    stage.run("git", "client1", "--", "log", "--oneline", "--stat", "-2", "--", "pacman.conf")


def _conflict(stage: Stage) -> None:
    stage.say("5. client2 and upstream change the same line. Only that file waits, only there.")
    stage.write("client2", "motd", "Welcome.\nThis is the lab's machine.\nAsk the desk for help.\n")
    stage.upstream.write("motd", "Welcome.\nThis machine has no disk.\nAsk the desk for help.\n")
    stage.upstream.write("vconsole.conf", "KEYMAP=de\n")
    stage.upstream.commit("motd and keyboard")
    stage.run("sync", status=1)
    check("lab's machine" in stage.read("client2", "motd"), "client2's motd was touched")
    check("KEYMAP=de" in stage.read("client2", "vconsole.conf"), "the rest did not arrive")
    stage.run("conflicts", status=1)
    report = os.path.join(stage.place, "state", "reports", "client2", "latest.md")
    with open(report, encoding="utf-8") as stream:
        stage.say(f"The report, {report}:")
        for line in stream.read().splitlines():
            stage.say(f"    {line}")


def _release(stage: Stage) -> None:
    stage.say("6. Upstream mends its change so that both fit: the path is released by itself.")
    stage.upstream.write(
        "motd",
        "Welcome.\nThis machine boots from the network.\nAsk the desk for help.\n\nNo disk.\n",
    )
    stage.upstream.commit("motd: say it below")
    stage.run("sync")
    text = stage.read("client2", "motd")
    check("lab's machine" in text and "No disk" in text, "client2's motd did not merge")
    stage.run("status")


def _promotion(stage: Stage) -> None:
    stage.say("7. client0's port is a good idea. It goes upstream under client0's name.")
    stage.run("promote", "client0", "ssh/sshd_config", "--dry-run")
    stage.run("promote", "client0", "ssh/sshd_config", "-m", "sshd: listen on port 2222")
    check("Port 2222" in stage.upstream.read("ssh/sshd_config"), "nothing went upstream")
    stage.run("sync")
    for client in ("client1", "client2"):
        check("Port 2222" in stage.read(client, "ssh/sshd_config"), f"{client} lacks the change")


def _history(stage: Stage) -> None:
    stage.say("8. What client1 tries is not wanted, then wanted after all: history has it.")
    stage.write("client1", "hosts", "127.0.0.1 localhost\n192.168.78.9 printer\n")
    stage.run("discard", "client1", "hosts")
    check("printer" not in stage.read("client1", "hosts"), "client1's hosts was not put back")
    stage.run("log", "client1", "hosts")
    stage.run("restore", "client1", "HEAD~1", "hosts")
    check("printer" in stage.read("client1", "hosts"), "client1's hosts did not come back")
    stage.run("status", "client1")
