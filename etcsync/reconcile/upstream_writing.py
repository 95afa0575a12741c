"""Bringing a promotion into upstream: the working files, the index and the branch, all or none.

The order makes the promise. Working files come first and can be taken back; then the index is
written beside its place; then the branch moves, in one step, and with it everything counts as
promoted. What a killed run left is taken back before that step and completed after it, by the next
run that writes. Meanwhile git's own lock on the index keeps everybody else from committing.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from etcsync.hub import promotion
from etcsync.hub.importer import Change as GitChange
from etcsync.hub.objects import Identity
from etcsync.hub.promotion import Note
from etcsync.hub.upstream_commit import exclusive
from etcsync.hub.upstream_head import Head, read_head
from etcsync.logs import get_logger
from etcsync.reconcile.upstream_files import UpstreamFiles
from etcsync.tree.change import Change

log = get_logger()


class Writing(NamedTuple):
    """What a promotion changes in upstream.

    Attributes:
        note: The branch, where it is, and where it shall be; that commit is written already.
        git: What changes of the index.
        files: What changes of the working files; called when nobody else can commit any more.
        read: Gives a blob's content.
        committer: Who moves the branch.
        reason: What the branch's log says.
    """

    note: Note
    git: Mapping[str, GitChange]
    files: Callable[[], Sequence[Change]]
    read: Callable[[str], bytes]
    committer: Identity
    reason: str


def write_upstream(etc: str, head: Head, writing: Writing, *, ownership: bool) -> None:
    """Promote entirely, or raise and leave everything as it was.

    Raises:
        UpstreamError: Somebody else is at work in upstream, has edited one of the files, or moved
            the branch.
        TreeError: The files cannot be staged.
        OSError: The disk is full, or reported an error.
    """
    note = writing.note
    with exclusive(etc) as lock:
        _settle(etc, ownership=ownership)
        promotion.write_note(head, note)
        try:
            promotion.lock_index(head, note)
            _files(etc, head, ownership=ownership).put(writing.files(), writing.read)
            promotion.prepare_index(etc, head, note, writing.git, lock)
            promotion.move_branch(etc, note, writing.committer, writing.reason, lock)
        finally:
            _settle(etc, ownership=ownership)


def settle_promotion(etc: str, *, ownership: bool) -> None:
    """Complete or take back a promotion that was cut off; usually there is none.

    Raises:
        UpstreamError: Another process is at work in upstream; or what was left cannot be read.
        TreeError: Something that must not be lost cannot be put in its place.
    """
    if not os.path.isdir(promotion.place(read_head(etc))):
        return
    with exclusive(etc):
        _settle(etc, ownership=ownership)


def _settle(etc: str, *, ownership: bool) -> None:
    head = read_head(etc)
    note = promotion.read_note(head)
    if note is None:
        promotion.remove_note(head)
        return
    promotion.await_refs(head, note)
    files = _files(etc, head, ownership=ownership)
    done = promotion.is_promoted(etc, head, note)
    if done:
        promotion.install_index(head, note)
        files.clear()
    else:
        files.take_back()
    promotion.unlock_index(head, note)
    promotion.remove_note(head)
    log.info("promotion settled", commit=note.new, promoted=done)


def _files(etc: str, head: Head, *, ownership: bool) -> UpstreamFiles:
    return UpstreamFiles(etc, promotion.place(head), ownership=ownership)
