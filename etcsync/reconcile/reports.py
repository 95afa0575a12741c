"""Reports on what is held, written where an administrator or a script finds them.

``reports/<client>/latest.md`` and ``latest.json`` say what is held now; a run that held something
new leaves a pair of its own beside them, named by its time.
"""

import json
import os
from collections.abc import Sequence

from etcsync.atomic_file import write_file
from etcsync.plan.model import Act
from etcsync.reconcile.cluster import Cluster
from etcsync.reconcile.conflicts import ConflictDetails
from etcsync.reconcile.model import ClientRun
from etcsync.report.conflict import details_document
from etcsync.report.documents import client_run_document
from etcsync.report.markdown import client_report
from etcsync.words import time_text


def write_report(cluster: Cluster, run: ClientRun, details: Sequence[ConflictDetails]) -> None:
    """Write the reports on one client.

    Args:
        cluster: The open cluster.
        run: What was done for the client.
        details: Everything that is held afterwards.
    """
    directory = os.path.join(cluster.settings.reports_path, run.name)
    os.makedirs(directory, mode=0o700, exist_ok=True)
    time = time_text(cluster.now)
    document = client_run_document(run) | {
        "schema": 1,
        "time": time,
        "upstream_commit": cluster.upstream_commit,
        "conflicts": [details_document(each) for each in details],
    }
    texts = {
        "md": client_report(run, details, cluster.upstream_commit, time),
        "json": json.dumps(document, indent=2) + "\n",
    }
    names = ["latest"]
    if any(action.act is Act.HOLD for action in run.actions):
        names.append(cluster.now.strftime("%Y%m%dT%H%M%SZ"))
    for name in names:
        for ending, text in texts.items():
            path = os.path.join(directory, f"{name}.{ending}")
            content = text.encode("utf-8", "surrogateescape")
            write_file(path, content, mode=0o600, inherit=False, durable=False)
