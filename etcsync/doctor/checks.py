"""All checks, in the order in which they are made and shown.

A new one is a function that takes `Facts` and yields findings, and a line here. What others rely on
comes first: an obstacle is reported for the first check that meets it.
"""

from etcsync.doctor import (
    addresses,
    boot,
    file_systems,
    hub,
    identities,
    inotify,
    machine,
    nfs,
    policy,
    secrets,
    settings,
    tree_contents,
    trees,
    upstream,
)
from etcsync.doctor.examine import Check

CHECKS = (
    Check("settings", settings.settings_files),
    Check("state directory", settings.state_directory),
    Check("rights", machine.rights),
    Check("git", machine.git),
    Check("kernel", machine.kernel),
    Check("programs", machine.programs),
    Check("hub", hub.hub),
    Check("hub's objects", hub.objects),
    Check("records", hub.records),
    Check("reports", hub.reports),
    Check("clock", machine.clock),
    Check("upstream", upstream.repository),
    Check("transactions", upstream.transactions),
    Check("left-overs", upstream.left_overs),
    Check("edits", upstream.edits),
    Check("etckeeper", upstream.etckeeper),
    Check("trees", trees.trees),
    Check("exchange", file_systems.exchange),
    Check("staging", hub.staging),
    Check("benches", file_systems.benches),
    Check("room", file_systems.room),
    Check("overlays", file_systems.overlays),
    Check("identities", identities.identities),
    Check("clients' clocks", tree_contents.client_clocks),
    Check("daily commits", tree_contents.daily_commits),
    Check("inotify", inotify.inotify),
    Check("NFS server", nfs.nfs_server),
    Check("boot", boot.boot),
    Check("addresses", addresses.addresses),
    Check("leases", addresses.leases),
    Check("rules", policy.rules),
    Check("secrets", secrets.secrets),
    Check("packs", policy.packs),
    Check("rules' clients", policy.clients),
    Check("validators", policy.validators),
)
