"""The look at a live tree: what stands there now, found without trusting any of it.

A whole scan visits every directory. Where an earlier one is remembered, only the directories that
differ are visited, and the result is the same.
"""

from collections.abc import Callable

from etcsync.policy.treatment import Treatment
from etcsync.tree.beneath import OpenTree
from etcsync.tree.findings import Findings
from etcsync.tree.ignore import Hides
from etcsync.tree.intake import Intake
from etcsync.tree.rescanner import Rescanner, StartAnewError
from etcsync.tree.scanned import Known, Limits, Remembered, Scan, Terms
from etcsync.tree.scanner import Scanner
from etcsync.tree.tree_rules import TreeRules


def scan(
    tree: OpenTree,
    known: Known,
    treatment: Callable[[str], Treatment],
    hides: Hides,
    store: Callable[[bytes], str],
    *,
    limits: Limits = Limits(),  # noqa: B008 (immutable)
    ownership: bool = True,
    remembered: Remembered | None = None,
) -> Scan:
    """Walk a tree and return what stands there.

    Args:
        tree: The open tree.
        known: What the last record, base and upstream say.
        treatment: The policy for a path.
        hides: Compiled ``.gitignore`` rules, shared by all scans of a run.
        store: Keeps a content that ``known.oids`` lacks and returns its blob id.
        limits: How much is taken in.
        ownership: False, where not running as root: owner and group count as root's.
        remembered: An earlier look at the same tree, by the same policy.

    Raises:
        TreeError: The tree is too large, its rules take too long, or its top cannot be read.
    """
    terms = Terms(tree, known, treatment, limits, ownership)

    def scanner() -> Scanner:
        found = Findings(terms, store)
        rules = TreeRules(tree, hides, known.records, limits.seconds)
        return Scanner(terms, found, rules, Intake(terms, found, rules))

    if remembered is not None:
        try:
            return Rescanner(scanner(), hides, remembered).walk()
        except StartAnewError:
            pass
    return scanner().walk()
