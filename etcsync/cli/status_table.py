"""The table of clients that `etcsync status` shows, once or again and again."""

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from etcsync.cli.render import STATE_STYLES
from etcsync.reconcile.model import ClientStatus

HEADINGS = ("CLIENT", "STATE", "BEHIND", "DRIFT", "LOCAL", "HELD", "LAST SYNC")
NUMBERS = frozenset({"BEHIND", "DRIFT", "LOCAL", "HELD"})


def status_table(
    clients: Iterable[ClientStatus], *, columns: int = len(HEADINGS), one_line: bool = False
) -> Table:
    """Return the table.

    Args:
        clients: A row for each.
        columns: How many of the columns, from the left.
        one_line: Cut a long name off rather than wrap it.
    """
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in HEADINGS[:columns]:
        numeric = heading in NUMBERS
        table.add_column(heading, justify="right" if numeric else "left", no_wrap=one_line)
    for client in clients:
        counts = (client.behind, *map(len, (client.drift, client.local, client.conflicts)))
        cells: tuple[str | Text, ...] = (
            client.name,
            Text(client.state, style=STATE_STYLES[client.state]),
            *(str(number) if number else "-" for number in counts),
            client.last_sync or "never",
        )
        table.add_row(*cells[:columns])
    return table
