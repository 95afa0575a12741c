"""Planning: from (base, ours, theirs, policy) to what is to be done. Pure: no I/O, no clock."""
