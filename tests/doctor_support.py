"""A cluster in which nothing is wrong, and asking the doctor about it."""

import os
from pathlib import Path
from typing import Any

from cluster import Cluster, sample_cluster
from small_root import add_script, build_small_root

from etcsync.config import load_settings
from etcsync.doctor.checks import CHECKS
from etcsync.doctor.document import examination_document
from etcsync.doctor.examine import examine

AS_ROOT = os.geteuid() == 0
VALIDATORS = ("visudo", "sshd")
OS_RELEASE = "ID=arch\n"


def build_sound_cluster(place: Path, clients: int = 2) -> Cluster:
    """Build a cluster that has nothing for the doctor to find."""
    cluster = sample_cluster(place, clients)
    build_small_root(cluster.root)
    for name in VALIDATORS:
        add_script(cluster.root, f"usr/sbin/{name}", "exit 0")
    (cluster.root / "usr/lib").mkdir(exist_ok=True)
    (cluster.root / "usr/lib/os-release").write_text(OS_RELEASE)
    (cluster.etc / ".git").chmod(0o700)
    return cluster


def document(cluster: Cluster) -> Any:
    """Return what the doctor says, as ``--json`` prints it."""
    return examination_document(examine(lambda: load_settings(str(cluster.settings)), CHECKS))


def findings(cluster: Cluster) -> list[dict[str, Any]]:
    """Return the doctor's findings, but for the one that every user besides root gets."""
    found = document(cluster)["findings"]
    return [each for each in found if AS_ROOT or each["check"] != "rights"]


def finding(cluster: Cluster) -> dict[str, Any]:
    """Return the doctor's only finding."""
    (found,) = findings(cluster)
    return found
