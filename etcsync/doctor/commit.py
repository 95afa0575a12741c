"""How upstream is committed, for remedies."""

from etcsync.doctor.facts import Facts
from etcsync.hub.upstream_commit import uses_etckeeper


def commit_command(facts: Facts) -> str:
    """Return the command that commits upstream."""
    root, etc = facts.settings.upstream.root, facts.settings.upstream.etc
    if uses_etckeeper(root, etc):
        return f"`chroot {root} etckeeper commit -m MESSAGE`"
    return f"`git -C {etc} add -A && git -C {etc} commit -m MESSAGE`"
