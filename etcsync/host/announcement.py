"""The mark that a package transaction in the root has ended.

The root's hooks (`etcsync.host.hooks`) leave it after each one, with or without etckeeper. It lies
on the root's disk, since programs in a chroot often have a ``/run`` of their own. Package managers
still hold their locks while their hooks run: the mark says that all is done but letting go.
"""

import os

MARK = "var/lib/etcsync/transaction"
"""The file that each transaction rewrites; relative to the root."""

ANNOUNCE = f"{{ mkdir -p /{os.path.dirname(MARK)} && date > /{MARK}; }} 2>&- || :"
"""Shell text that leaves the mark; it says nothing and succeeds where it cannot, as on clients."""
