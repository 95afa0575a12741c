"""Groups of which a killed run put a part in place: that part is taken back before anything else.

So the next plan starts from a tree that has all of a group's changes or none, and again makes all
of them or none.
"""

from collections import defaultdict

from etcsync.tree.beneath import OpenTree
from etcsync.tree.change import Change, Way, way_of
from etcsync.tree.journal import Slot, read_journal
from etcsync.tree.outcome import Item
from etcsync.tree.staging import Staging
from etcsync.tree.swapping import Swapper


def take_back_half_groups(
    staging: Staging, client: str, tree: OpenTree, *, limit: int, ownership: bool
) -> None:
    """Take back what a killed run had put in place of groups that it did not get through.

    What the client has changed since stays as the client left it. The benches stay; call
    `etcsync.tree.recovery.recover` next. Killed in between, this is done again.

    Raises:
        TreeError: The journal is damaged.
    """
    for inside in staging.unfinished(client, tree):
        with staging.bench(client, tree, inside=inside) as bench:
            swapper = Swapper(tree, bench, limit, ownership)
            groups: defaultdict[str, list[Item]] = defaultdict(list)
            for item in _items(bench):
                if item.slot.group is not None:
                    groups[item.slot.group].append(item)
            for items in groups.values():
                made = [item for item in items if swapper.was_made(item)]
                if len(made) < len(items):
                    for item in reversed(made):
                        swapper.take_back(item)


def take_back_everything(
    staging: Staging, client: str, tree: OpenTree, *, limit: int, ownership: bool
) -> None:
    """Take back all that a run has put in place, finished or not.

    Otherwise as `take_back_half_groups`.
    """
    for inside in staging.unfinished(client, tree):
        with staging.bench(client, tree, inside=inside) as bench:
            swapper = Swapper(tree, bench, limit, ownership)
            for item in reversed(_items(bench)):
                if swapper.was_made(item):
                    swapper.take_back(item)
                elif item.way is Way.ADJUST:
                    swapper.set_back(item)


def _items(bench: OpenTree) -> list[Item]:
    slots = (read_journal(bench) or {}).values()
    return [Item(slot, way) for slot in slots if (way := _way(slot)) is not None]


def _way(slot: Slot) -> Way | None:
    """Return how a slot's change was to be made, as `etcsync.tree.apply.stage` had decided."""
    way = way_of(Change(slot.path, slot.before, slot.after))
    return Way.REPLACE if way is Way.ADJUST and slot.inode else way
