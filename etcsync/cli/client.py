"""``etcsync client``: the inventory."""

import click
from rich.table import Table

from etcsync.cli.arguments import now, one_client
from etcsync.cli.context import Context, with_context
from etcsync.cli.render import STATE_STYLES, safe
from etcsync.reconcile.setup import add_client, release_client, remove_client
from etcsync.reconcile.suspensions import suspensions_in_force
from etcsync.report.documents import suspension_document
from etcsync.report.words import suspension_text


@click.group()
def client() -> None:
    """Add, remove, list and release clients."""


@client.command(epilog="Example: etcsync client add client6 --address 192.168.78.56")
@click.argument("name")
@click.option("--address", help="IP address or host name that its tree is exported to.")
@click.option("--mac", help="Hardware address it boots with.")
@click.option("--label", "labels", multiple=True, help="A label for policy rules; repeatable.")
@with_context
def add(
    context: Context, name: str, address: str | None, mac: str | None, labels: tuple[str, ...]
) -> int:
    """Add the client NAME; its tree is created, or adopted where a clone is there."""
    outcome = add_client(
        context.settings, name, address=address, mac=mac, labels=labels, wait=context.wait
    )
    if context.json:
        context.print_json({"schema": 1, "name": name, "outcome": outcome})
    else:
        context.out.print(f"{outcome} {name} at {safe(context.settings.tree_path(name))}")
    return 0


@client.command(epilog="Example: etcsync client remove client6 --delete-tree")
@one_client
@click.option("--delete-tree", is_flag=True, help="Delete the tree as well; its history stays.")
@with_context
def remove(context: Context, client: str, *, delete_tree: bool) -> int:
    """Take CLIENT out of the settings. Its tree stays unless told otherwise; its history always."""
    remove_client(context.settings, client, delete_tree=delete_tree, wait=context.wait)
    if context.json:
        context.print_json({"schema": 1, "name": client, "deleted_tree": delete_tree})
    else:
        context.out.print(f"removed {client}; its history stays in the hub")
    return 0


@client.command("list")
@with_context
def list_clients(context: Context) -> int:
    """List the clients."""
    clients = context.settings.clients
    suspensions = suspensions_in_force(context.settings, now())
    if context.json:
        context.print_json(
            {
                "schema": 1,
                "clients": [
                    {
                        "name": each.name,
                        "tree": context.settings.tree_path(each.name),
                        "address": each.address,
                        "mac": each.mac,
                        "labels": list(each.labels),
                        "suspended": suspension_document(suspensions.get(each.name)),
                    }
                    for each in clients
                ],
            }
        )
        return 0
    table = Table("CLIENT", "ADDRESS", "MAC", "LABELS", "TREE", box=None, pad_edge=False)
    for each in clients:
        table.add_row(
            each.name,
            each.address or "-",
            each.mac or "-",
            " ".join(each.labels) or "-",
            safe(context.settings.tree_path(each.name)),
        )
    context.out.print(table)
    for name, suspension in suspensions.items():
        line = f"{name} is suspended {suspension_text(suspension)}"
        context.out.print(line, style=STATE_STYLES["suspended"], soft_wrap=True)
    return 0


@client.command(epilog="Example: etcsync client release client3")
@one_client
@with_context
def release(context: Context, client: str) -> int:
    """Give CLIENT's tree back as a stand-alone git clone, no longer managed."""
    kept = release_client(context.settings, client, wait=context.wait)
    if context.json:
        context.print_json({"schema": 1, "name": client, "kept_aside": kept})
        return 0
    context.out.print(f"released {client}: {safe(context.settings.tree_path(client))} is a clone")
    if kept:
        context.out.print(f"what stood at its .git is kept at {safe(kept)}")
    return 0
