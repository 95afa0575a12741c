"""The clients' trees: there, as recorded, and nobody else's to write."""

import os
from collections.abc import Iterator

from etcsync.doctor.access import writers
from etcsync.doctor.facts import Facts
from etcsync.doctor.finding import Finding, Severity
from etcsync.entries import GIT_PATH
from etcsync.errors import TreeError
from etcsync.hub.hub import base_ref
from etcsync.hub.worktree import gitfile_content
from etcsync.tree.beneath import STAGING_NAME, OpenTree, open_tree
from etcsync.tree.small_files import names_in, read_small


def trees(facts: Facts) -> Iterator[Finding]:
    """Each tree that was set up is there, and leads to the hub."""
    refs = facts.refs
    for client, path in facts.tree_paths.items():
        managed = base_ref(client) in refs
        if not os.path.lexists(path):
            if managed:
                yield _missing(client, path, "is missing")
            continue
        try:
            with open_tree(path) as tree:
                yield from _tree(facts, client, tree, managed=managed)
        except TreeError as error:
            yield Finding(
                Severity.SERIOUS, error.message.rstrip("."), f"{error.hint}", client, path
            )


def _tree(facts: Facts, client: str, tree: OpenTree, *, managed: bool) -> Iterator[Finding]:
    if who := writers(os.fstat(tree.descriptor)):
        yield Finding(
            Severity.SERIOUS,
            f"the tree's directory {tree.path} can be written by {who}",
            f"`chown root:root {tree.path} && chmod go-w {tree.path}`",
            client,
            tree.path,
        )
    if not managed:
        return
    if not set(names_in(tree, ".")) - {GIT_PATH, STAGING_NAME}:
        yield _missing(client, tree.path, "is empty")
    elif read_small(tree, GIT_PATH) != gitfile_content(facts.settings.hub_path, client):
        yield Finding(
            Severity.WARNING,
            f"the tree's {GIT_PATH} does not lead to the hub: git that is run in the tree may run "
            "the client's programs",
            f"`etcsync sync {client}` puts it right; run no git in {tree.path} until then.",
            client,
            GIT_PATH,
        )


def _missing(client: str, path: str, how: str) -> Finding:
    return Finding(
        Severity.SERIOUS,
        f"{path} {how}, though the hub has its history",
        "Mount its file system. To begin anew: "
        f"`etcsync client remove {client}`, then `etcsync client add {client}`.",
        client,
        path,
    )
