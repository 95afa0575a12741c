"""The command that commits upstream, for remedies."""

from etcsync.doctor.facts import Facts
from etcsync.hub.upstream_commit import commit_command as command_in_root


def commit_command(facts: Facts) -> str:
    """Return the command that commits upstream, in backquotes."""
    upstream = facts.settings.upstream
    return f"`{command_in_root(upstream.root, upstream.etc, 'MESSAGE')}`"
