"""``etcsync run``: the daemon, in the foreground."""

import os

import click

from etcsync import logs
from etcsync.cli.context import Context, with_context
from etcsync.config import load_settings
from etcsync.daemon.service import Service
from etcsync.daemon.service_manager import ServiceManager


@click.command(epilog="Example: etcsync run -v")
@with_context
def run(context: Context) -> int:
    """Keep all clients in step, until ended. For a service manager, or a terminal.

    Reconciles when upstream has a new commit, when a client changed its tree, and at every
    interval. SIGHUP reads the settings again; SIGTERM and Ctrl-C end it between two clients.
    """
    settings = context.settings
    logs.configure(max(1, context.verbosity), color=context.colors_log)
    Service(
        settings,
        lambda: load_settings(settings.source),
        manager=ServiceManager.from_environment(os.environ),
    ).run()
    return 0
