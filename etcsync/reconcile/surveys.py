"""What the last run found in each client's tree: so that the next look need not begin anew.

A survey holds where nothing but what it speaks of has changed: it names the commits that record
what was found, and the terms (policy, limits) by which the tree was looked at. Of a survey that
does not hold, or is damaged, nothing is used; the tree is looked at as if for the first time.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from etcsync import __version__
from etcsync.config import Client
from etcsync.entries import Entry, Kind, Tree
from etcsync.plan.model import changed_paths
from etcsync.policy.rules import Rule
from etcsync.tree.metadata_file import Beside
from etcsync.tree.scanned import Scan

_DIGEST = 16
"""Bytes."""
_FORMAT = 1
"""Of the surveys, and of what a look makes of a tree."""

_KINDS = {kind.value: kind for kind in Kind}


@dataclass(frozen=True, slots=True)
class Survey:
    """What stood in a client's tree when everything in it was recorded.

    Attributes:
        branch: The commit that records it.
        base: The base commit, relative to which the entries are kept.
        terms: See `Surveys.terms`.
        metadata: Git mode and blob id of the metadata file as it is recorded; None: it is not.
        found: The rest of it as JSON gives it back.
    """

    branch: str
    base: str
    terms: str
    metadata: tuple[int, str] | None
    found: Mapping[str, Any]

    @property
    def imprints(self) -> Mapping[str, str]:
        """The imprint of every directory."""
        imprints: Mapping[str, str] = self.found["imprints"]
        return imprints

    @property
    def unknown(self) -> Iterable[str]:
        """The paths that were treated as they were because no version knew them."""
        return (*self.found["hidden"], *self.found["mirrored"])

    @property
    def shadowed(self) -> Iterable[str]:
        """The directories that were treated as they were because a version knew them."""
        return tuple(self.found["shadowed"])

    def restore(self, base: Tree, gitfile: bytes) -> Scan:
        """Return what was found.

        Args:
            base: The entries of the base commit.
            gitfile: What the tree's ``.git`` file contains.
        """
        entries = dict(base)
        for path in self.found["gone"]:
            entries.pop(path, None)
        entries.update(_entries(self.found["entries"]))
        unmanaged, hidden = _entries(self.found["unmanaged"]), _entries(self.found["hidden"])
        mirrored = _entries(self.found["mirrored"])
        visible = {path: entry for path, entry in mirrored.items() if path not in hidden}
        return Scan(
            entries=entries,
            unmanaged=unmanaged,
            hidden=hidden,
            mirrored=mirrored,
            stats={},
            restated=frozenset(),
            warnings=(),
            gitfile=gitfile,
            git_obstructed=False,
            imprints=dict(self.found["imprints"]),
            listings={},
            shadowed=frozenset(self.found["shadowed"]),
            beside=Beside(unmanaged | visible, hidden, self.found["hides"]),
        )


def survey_of(
    found: Scan,
    base: Tree,
    *,
    branch: str,
    base_commit: str,
    terms: str,
    metadata: tuple[int, str] | None,
) -> Survey:
    """Return the survey that says what ``found`` does; the arguments are as in `Survey`."""
    changed = changed_paths(base, found.entries)
    gone = changed - found.entries.keys()
    kept = {
        "entries": {path: found.entries[path] for path in changed - gone},
        "gone": sorted(gone),
        "unmanaged": found.unmanaged,
        "hidden": found.hidden,
        "mirrored": found.mirrored,
        "imprints": found.imprints,
        "shadowed": sorted(found.shadowed),
        "hides": found.beside.hides,
    }
    return Survey(branch, base_commit, terms, metadata, kept)


class Surveys:
    """The surveys of all clients, in one file; a cache, which may vanish at any time."""

    def __init__(self, path: str, key: bytes, rules: Iterable[Rule], *limits: object) -> None:
        """Read the file at ``path``, if there is one.

        Args:
            path: Where the file is.
            key: Makes what a line is checked by, so that nobody else can write one.
            rules: All rules of the policy.
            limits: What else every look depends on.
        """
        self._key = key
        # What a rule does, whatever file it stands in.
        effects = [(rule.paths, rule.clients, dict(rule.effects)) for rule in rules]
        common = repr((__version__, _FORMAT, effects, limits))
        self._common = hashlib.blake2b(
            common.encode("utf-8", "surrogateescape"), digest_size=_DIGEST
        )
        self._lines = _read_lines(path)
        self._news: dict[str, bytes] = {}

    def terms(self, client: Client) -> str:
        """Return a digest of what decides, besides the tree, what a look at it finds."""
        digest = self._common.copy()
        digest.update(repr((client.name, sorted(client.labels))).encode())
        return digest.hexdigest()

    def of(self, client: Client) -> Survey | None:
        """Return the client's survey, if it has one that was made by the same terms."""
        name, _, rest = self._lines.get(client.name, b"").partition(b" ")
        digest, _, text = rest.rstrip(b"\n").partition(b" ")
        if not name or digest != self._digest(name, text):
            return None
        try:
            branch, base, terms, metadata, found = json.loads(text)
        except (ValueError, TypeError):
            return None
        survey = Survey(branch, base, terms, metadata and tuple(metadata), found)
        return survey if terms == self.terms(client) else None

    def put(self, client: str, survey: Survey) -> None:
        """Keep a client's survey in place of the one that there is."""
        fields = (survey.branch, survey.base, survey.terms, survey.metadata, survey.found)
        text = json.dumps(fields, separators=(",", ":"), sort_keys=True).encode()
        name = client.encode()
        line = b"%s %s %s\n" % (name, self._digest(name, text), text)
        if line != self._lines.get(client):
            self._lines[client] = self._news[client] = line

    @property
    def news(self) -> Mapping[str, bytes]:
        """What differs from the file, for `keep_surveys`."""
        return self._news

    def _digest(self, name: bytes, text: bytes) -> bytes:
        digest = hashlib.blake2b(name + b" " + text, key=self._key, digest_size=_DIGEST)
        return digest.hexdigest().encode("ascii")


def keep_surveys(path: str, news: Mapping[str, bytes]) -> None:
    """Take new surveys into the file at ``path``; the writer's lock is held.

    It is not synced, and need not be written at all.
    """
    if not news:
        return
    new = f"{path}.new"
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    with suppress(OSError):
        with open(os.open(new, flags, 0o600), "wb") as file:
            file.writelines({**_read_lines(path), **news}.values())
        os.rename(new, path)


def _read_lines(path: str) -> dict[str, bytes]:
    """Return the line of each client in the file at ``path``, if there is one."""
    lines = {}
    with suppress(OSError), open(path, "rb") as file:
        for line in file:
            lines[line.partition(b" ")[0].decode("utf-8", "replace")] = line
    return lines


def _entries(found: Mapping[str, Any]) -> dict[str, Entry]:
    return {
        path: Entry(_KINDS[kind], oid, mode, uid, gid)
        for path, (kind, oid, mode, uid, gid) in found.items()
    }
