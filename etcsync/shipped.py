"""Where that lies which comes with etcsync and is not Python: rules, hooks."""

import os

_PACKAGE = os.path.dirname(os.path.abspath(__file__))


def shipped_folder(name: str) -> str:
    """Return the folder ``name`` of an installed etcsync, else of a checkout of its repository."""
    installed = os.path.join(_PACKAGE, "shipped", name)
    checkout = os.path.join(os.path.dirname(_PACKAGE), name)
    return installed if os.path.isdir(installed) else checkout
