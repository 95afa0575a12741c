"""etcsync: a GitOps reconciler for the per-client /etc trees of a diskless cluster.

An upstream commit enters the hub; for each client a snapshot (base, ours, theirs) becomes a pure
plan; the plan is applied to the live tree atomically; one ref transaction records it; what could
not be applied is held and reported. ``etcsync.reconcile.reconciler`` tells that story in code.
"""

import os

__version__ = "0.1.0"

os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"
"""What else is installed on the server gets no part in reading the settings, and no time either."""
