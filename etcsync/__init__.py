"""etcsync: a GitOps reconciler for the per-client /etc trees of a diskless cluster.

An upstream commit enters the hub; for each client a snapshot (base, ours, theirs) becomes a pure
plan; the plan is applied to the live tree atomically; one ref transaction records it; what could
not be applied is held and reported. ``etcsync.reconcile.reconciler`` tells that story in code.
"""

__version__ = "0.1.0"
