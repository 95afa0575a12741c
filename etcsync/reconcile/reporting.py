"""The last step of a round: reports on the clients for which something changed."""

import os

from etcsync.reconcile.cluster import Cluster
from etcsync.reconcile.conflicts import details_of
from etcsync.reconcile.reports import write_report
from etcsync.reconcile.rounds import Round


def report(cluster: Cluster, current: Round) -> None:
    """Write what is held on each client whose record changed; others' reports still hold true."""
    for name, intent in current.going_on():
        if name not in current.commits:
            continue
        directory = os.path.join(cluster.settings.reports_path, name)
        if not intent.record.holds and not os.path.isdir(directory):
            continue
        (run,) = current.runs([intent.snapshot.client])
        details = [details_of(cluster, intent.snapshot, held) for held in intent.record.holds]
        write_report(cluster, run, details)
