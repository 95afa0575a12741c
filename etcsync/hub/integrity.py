"""Whether the hub has all that its refs lead to."""

from etcsync.errors import HubError
from etcsync.hub.git import GitTimeoutError, git_command, run_git


def missing_objects(hub_path: str, *, limit: float) -> str | None:
    """Return what git says of an object that a ref leads to and that the hub lacks, or None.

    Commits and trees are read, and that files' contents exist is looked up: the contents
    themselves are not read. One process.

    Raises:
        GitTimeoutError: It took longer than ``limit`` seconds.
    """
    with git_command(hub_path) as git:
        try:
            run_git(git, "rev-list", "--objects", "--all", "--quiet", limit=limit)
        except GitTimeoutError:
            raise
        except HubError as error:
            return error.message
    return None
