"""What plugs etcsync into machines: hooks of the root's package managers, the server's service."""
