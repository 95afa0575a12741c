"""``python -m etcsync``: the same as the command ``etcsync``."""

from etcsync.cli.main import run

run()
