"""What the sweeps go through: commands, and what was done before each."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass

from cluster import Cluster, git
from torture.edits import Etc, add_account
from torture.host import ServedCluster
from torture.machine import LIMITS

Arguments = Callable[[Cluster], tuple[str, ...]]


@dataclass(frozen=True)
class Scenario:
    """A command, what was done before it, and what it and its repetition are told.

    It is ``served`` where it mounts and exports, and so needs a machine of its own.
    """

    name: str
    prepare: Callable[[Cluster], None]
    arguments: Arguments
    again: Arguments
    served: bool = False


def unsettle(cluster: Cluster) -> None:
    """Have upstream and the clients change in every way, so that a sync has everything to do."""
    etc, tree = cluster.etc, cluster.tree(0)
    (etc / "motd").write_text("Welcome.\nA new line.\nAsk the desk for help.\n")
    (etc / "new.d").mkdir()
    (etc / "new.d/one").write_text("one\n")
    (etc / "vconsole.conf").unlink()
    (etc / "vconsole.conf").mkdir()
    (etc / "vconsole.conf/part").write_text("KEYMAP=de\n")
    (etc / "profile.d/editor.sh").unlink()
    (etc / "localtime").unlink()
    (etc / "localtime").symlink_to("/usr/share/zoneinfo/UTC")
    (etc / "locale.conf").chmod(0o600)
    (etc / "chrony.conf").write_text("server upstream iburst\n")
    (etc / "ld.so.cache").write_text("a cache, version 2\n")
    add_account(Etc(etc, "upstream"), 3)
    cluster.commit("everything at once")
    (tree / "motd").write_text("Welcome.\nThis machine boots from the network.\nAsk.\nAsk again.\n")
    (tree / "chrony.conf").write_text("server client iburst\n")
    (tree / "own").mkdir()
    (tree / "own/file").write_text("the client's\n")
    (tree / "nsswitch.conf").unlink()
    (tree / "hosts").chmod(0o600)
    (tree / "sudoers").write_text("root ALL=(ALL:ALL) ALL\n")
    os.mkfifo(tree / "fifo")
    add_account(Etc(tree, "client0"), 5)


def drift(cluster: Cluster) -> None:
    tree = cluster.tree(0)
    (tree / "motd").write_text("From client0.\n")
    (tree / "new.d").mkdir()
    (tree / "new.d/one").write_text("one\n")
    (tree / "locale.conf").chmod(0o600)
    (tree / "vconsole.conf").unlink()
    (cluster.etc / "hosts").write_text("being edited\n")


def conflict(cluster: Cluster) -> None:
    for number in (0, 1):
        (cluster.tree(number) / "motd").write_text("The client's.\n")
    (cluster.etc / "motd").write_text("Upstream's.\n")
    cluster.commit()
    cluster.sync(status=1)
    (cluster.tree(0) / "hosts").write_text("127.0.0.1 localhost edited\n")


def held(cluster: Cluster) -> tuple[str, ...]:
    """Decide what is held; what a killed command has decided already is to be synced."""
    for client in cluster.status().values():
        for found in client["conflicts"]:
            return ("resolve", found["id"], "--upstream", "--everywhere")
    return ("sync",)


def set_up(cluster: Cluster) -> tuple[str, ...]:
    return ("init", "--root", str(cluster.root), "--clients", "client{0..2}")


def set_back(cluster: Cluster) -> None:
    """Have nothing but upstream and an old clone, as before ``init``."""
    shutil.rmtree(cluster.state)
    for number in (0, 1, 2):
        shutil.rmtree(cluster.tree(number))
    git(cluster.place, "clone", "-q", str(cluster.etc), str(cluster.tree(0)))
    (cluster.tree(0) / "motd").write_text("The clone's.\n")
    cluster.settings.unlink()
    cluster.write_settings(LIMITS)


def sync(_cluster: Cluster) -> tuple[str, ...]:
    return ("sync",)


def promotion(_cluster: Cluster) -> tuple[str, ...]:
    return ("promote", "client0")


def granted(cluster: Cluster) -> None:
    """Have client0 be the one that writes /boot."""
    assert isinstance(cluster, ServedCluster)
    cluster.host.server.manage()
    cluster.host.server.give_addresses(2)
    (cluster.root / "boot").mkdir()
    (cluster.root / "boot/vmlinuz").write_text("kernel\n")
    (cluster.tree(0) / "fstab").write_text("tmpfs /tmp tmpfs\n")
    cluster.run("boot", "grant", "client0")


def grant(_cluster: Cluster) -> tuple[str, ...]:
    return ("boot", "grant", "client1")


def revoke(_cluster: Cluster) -> tuple[str, ...]:
    return ("boot", "revoke")


SCENARIOS = (
    Scenario("sync", unsettle, sync, sync),
    Scenario("promote", drift, promotion, promotion),
    Scenario("resolve", conflict, held, held),
    Scenario("init", set_back, set_up, set_up),
    Scenario("grant", granted, grant, grant, served=True),
    Scenario("revoke", granted, revoke, revoke, served=True),
)
