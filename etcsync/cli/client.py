"""``etcsync client``: the inventory."""

import click

from etcsync.cli.arguments import one_client
from etcsync.cli.client_import import import_clients
from etcsync.cli.client_list import list_clients
from etcsync.cli.context import Context, with_context
from etcsync.cli.render import safe
from etcsync.reconcile.setup import add_client, release_client, remove_client


@click.group()
def client() -> None:
    """Add, import, remove, list and release clients."""


client.add_command(import_clients)
client.add_command(list_clients)


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
