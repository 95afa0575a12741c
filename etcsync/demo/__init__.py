"""A small cluster in a temporary directory, and a walk through what etcsync does for it."""
