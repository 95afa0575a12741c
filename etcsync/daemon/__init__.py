"""The long-running service: it watches and schedules, and calls what the command line calls."""
