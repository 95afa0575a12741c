"""Contents that came out of a tree and could not go back, brought into the client's history."""

from collections.abc import Sequence

from etcsync.hub.hub import RefUpdate, branch_ref
from etcsync.hub.importer import Change, NewCommit
from etcsync.hub.objects import Identity
from etcsync.logs import get_logger
from etcsync.reconcile.cluster import Cluster
from etcsync.reconcile.intent import recorded_as
from etcsync.reconcile.messages import rescue_message
from etcsync.reconcile.record import ETCSYNC
from etcsync.tree.recovery import Leftover

log = get_logger()


def record_leftovers(cluster: Cluster, client: str, leftovers: Sequence[Leftover]) -> None:
    """Commit ``leftovers`` to the client's branch, each at the path where it stood.

    The next capture records what stands there now, on top of it: nothing is lost, and nothing of
    it comes back by itself.

    Raises:
        HubError: The hub could not be written.
    """
    if not leftovers:
        return
    paths = [leftover.path for leftover in leftovers]
    branch = cluster.hub.refs().get(branch_ref(client))
    with cluster.hub.importer() as importer:
        changes: dict[str, Change] = {}
        for leftover in leftovers:
            importer.blob(leftover.content)
            changes[leftover.path] = recorded_as(leftover.entry)
        mark = importer.commit(
            NewCommit(
                message=rescue_message(client, paths),
                parents=[branch] if branch else [],
                changes=changes,
                author=Identity(client, f"root@{client}"),
                committer=ETCSYNC,
                time=cluster.now,
            )
        )
        commit = importer.finish()[mark]
    cluster.hub.update_refs([RefUpdate(branch_ref(client), commit, branch)])
    log.warning("kept what a client wrote meanwhile", client=client, paths=len(paths))
