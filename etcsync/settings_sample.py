"""The settings file that a newcomer starts with: every key, its default and its meaning."""

SAMPLE = """\
# Settings of etcsync. Every key is described in docs/reference/settings.md.
# A line such as `# key = value` shows a default; remove the `# ` to change it.
# Paths that do not begin with / start at this file's folder.
# Commands that change settings edit this file and keep its comments.

# Where etcsync keeps the hub (every client's history) and the reports; only root may enter.
# state_dir = "/var/lib/etcsync"

[upstream]
# The root file system that all clients mount read-only; its /etc is the upstream.
# root = "/srv/root"
# Where that /etc is, if not in the root.
# etc = "/srv/root/etc"
# true: what is edited in it but not committed is committed by etcsync; false: it is reported.
# auto_commit = false

[trees]
# Each client's own /etc on this server; {client} stands for its name.
# path = "/srv/etc-{client}"
# New files are prepared here: on the trees' file system, but in no tree and no export.
# staging = "/srv/.etcsync"

[server]
# This server as the clients see it, and the network they are in.
# address = ""
# network = ""

[exports]
# The exports file that etcsync writes (see exports(5)), and the options in it.
# file = "/etc/exports.d/etcsync.exports"
# root_options = "ro,no_root_squash,subtree_check"
# client_options = "rw,no_root_squash,subtree_check"
# Run after the file was written; [] writes the file only.
# command = ["exportfs", "-ra"]

[boot]
# The one client that may write /boot, or none.
# writer = ""
# The root's /boot, where it is bind-mounted for that client, and this server's own fstab.
# source = "/srv/root/boot"
# mount = "/srv/clientboot"
# fstab = "/etc/fstab"

[policy]
# Rules say how each path is treated. Packs are shipped with etcsync (`etcsync policy list`);
# then come the files in <upstream>/etcsync/policy.d/, then these files. The last match wins.
# packs = ["base"]
# files = []

[limits]
# Larger files in a tree are reported, not recorded.
# max_file_size = "8MiB"
# A commit, or a tree, that loses more than this is refused until confirmed.
# max_delete_percent = 25
# A client whose tree takes longer than this to look at is left alone; the others go on.
# max_look_time = "2m"
# One client's edits may add this much to the hub in a day.
# max_daily_capture = "512MiB"

[daemon]
# A full reconciliation takes place this often, whatever the watchers saw.
# interval = "5m"
# A change is taken up after this much quiet.
# settle = "1s"
# "127.0.0.1:9418" serves /healthz and /metrics.
# listen = ""

[notify]
# Run when the daemon has news; it gets them as JSON on its standard input.
# command = []
# Services that are told, as apprise writes them: ["mailto://…"]; needs etcsync[notify].
# urls = []
# What is told.
# on = ["conflict", "error", "heal", "suspension"]
# News is gathered for this long, so that a burst makes one message.
# quiet = "30s"

# The clients, a [[clients]] table each; `etcsync client add NAME` adds one:
#   name      the client's host name, as {client} above
#   address   its IP address, a network, or a name that can be looked up
#   mac       the MAC address of the network interface that it boots from
#   labels    names of groups that rules may speak of, as "label:desktop"
"""
"""Each default stands in a line ``# key = value`` below its table's header."""
