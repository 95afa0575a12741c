"""Short ways to scan and to build trees, for the tests of etcsync.tree."""

import os
import time
from collections.abc import Container, Mapping
from pathlib import Path

from etcsync.entries import Entry, FileRecord, blob_oid
from etcsync.policy.treatment import Strategy, Treatment
from etcsync.tree.beneath import open_tree
from etcsync.tree.ignore import Hides
from etcsync.tree.live import mirror_entries, walk_live
from etcsync.tree.scan import scan
from etcsync.tree.scanned import Known, Limits, Scan

AS_ROOT = os.geteuid() == 0


class Blobs(dict[str, bytes]):
    """Contents by id, as a spool keeps them."""

    def store(self, content: bytes) -> str:
        oid = blob_oid(content)
        self[oid] = content
        return oid


def policy(strategies: Mapping[str, Strategy]):
    """Return a policy that names strategies by path; everything below a named path has it too."""

    def treatment(path: str) -> Treatment:
        while path:
            if path in strategies:
                return Treatment(strategies[path])
            path = path.rpartition("/")[0]
        return Treatment()

    return treatment


def take(
    tree: Path,
    known: Known = Known(),  # noqa: B008
    strategies: Mapping[str, Strategy] | None = None,
    *,
    blobs: Blobs | None = None,
    limits: Limits = Limits(),  # noqa: B008
    stepwise: bool | None = None,
) -> Scan:
    """Scan a tree."""
    store = (Blobs() if blobs is None else blobs).store
    with open_tree(str(tree), stepwise=stepwise) as opened:
        return scan(
            opened,
            known,
            policy(strategies or {}),
            Hides(),
            store,
            limits=limits,
            ownership=AS_ROOT,
        )


def mirror_source(
    etc: Path, strategies: Mapping[str, Strategy], tracked: Container[str] = ()
) -> dict[str, Entry]:
    """Return what a root's /etc has at the paths that are mirrored."""
    treatment = policy(strategies)

    def mirrors(path: str) -> bool:
        return treatment(path).strategy is Strategy.MIRROR

    return mirror_entries(str(etc), walk_live(str(etc)), mirrors, tracked, ownership=AS_ROOT)


def recorded(found: Scan) -> Known:
    """Return what is known of a tree once a scan of it is recorded."""
    records = {
        path: FileRecord(0o100644, found.entries[path].oid, key)
        for path, key in found.stats.items()
    }
    return Known(
        frozenset(found.entries), records, frozenset(e.oid for e in found.entries.values())
    )


def rest() -> None:
    """Wait until what was written so far counts as settled."""
    time.sleep(0.04)


def kinds(entries: Mapping[str, Entry]) -> dict[str, str]:
    return {path: entry.kind.value for path, entry in entries.items()}


def warned(found: Scan) -> set[tuple[str, str]]:
    return {(warning.path, warning.kind) for warning in found.warnings}
