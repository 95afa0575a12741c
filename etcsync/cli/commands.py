"""The commands: where each is, and how the list of them calls it."""

from importlib import import_module
from typing import NamedTuple

import click
from click.shell_completion import CompletionItem


class Outline(NamedTuple):
    """What the list of commands says of one, and where it is."""

    module: str
    """The module of `etcsync.cli` that holds it, under the command's own name."""
    summary: str


COMMANDS = {
    "accept": Outline("accept", "Say that a client's drift is meant."),
    "boot": Outline("boot", "Let one client write the shared /boot."),
    "client": Outline("client", "Add, import, remove, list and release clients."),
    "completion": Outline("completion", "Print the completion script for a shell."),
    "conflicts": Outline("conflicts", "List what is held on the clients, or show one conflict."),
    "demo": Outline("demo", "Walk through a day of a small cluster."),
    "diff": Outline("diff", "Show how a client's tree differs from upstream."),
    "discard": Outline("discard", "Put upstream's version back where a client drifted."),
    "doctor": Outline("doctor", "Check the machine and the cluster."),
    "exports": Outline("exports", "Show, write and check what is exported."),
    "git": Outline("git", "Look into a client's recorded history with git."),
    "hooks": Outline("hooks", "Plug etcsync into package managers and the system."),
    "incidents": Outline("incidents", "List the daemon's open incidents."),
    "init": Outline("init", "Set up the settings, the hub and the trees."),
    "log": Outline("log", "Show what happened to a client's tree."),
    "notify": Outline("notify", "Try the ways in which people are told."),
    "plan": Outline("sync", "Show what `sync` would do now."),
    "policy": Outline("policy", "Explain, check and list the rules."),
    "promote": Outline("promote", "Commit upstream what a client changed."),
    "report": Outline("report", "Write the cluster's state as a report."),
    "resolve": Outline("resolve", "Decide a conflict."),
    "restore": Outline("restore", "Bring back what a client had before."),
    "resume": Outline("resume", "End the suspension of clients."),
    "run": Outline("run", "Keep all clients in step, until ended."),
    "status": Outline("status", "Show the state of each client."),
    "suspend": Outline("suspend", "Write nothing to the trees of clients."),
    "sync": Outline("sync", "Bring upstream's commits to the clients' trees, once."),
    "tmux": Outline("tmux", "Open a tmux session with a pane for each client."),
}


class Commands(click.Group):
    """Imports a command when it is called for: what one needs, the others need not wait for.

    The list of commands, for a person or for a shell, takes none of them.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        del ctx
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of that name."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"etcsync.cli.{COMMANDS[cmd_name].module}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name].summary) for name in self.list_commands(ctx)])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Offer the commands, or options, that begin with what was typed."""
        named = (name for name in self.list_commands(ctx) if name.startswith(incomplete))
        commands = [CompletionItem(name, help=COMMANDS[name].summary) for name in named]
        return commands + click.Command.shell_complete(self, ctx, incomplete)
