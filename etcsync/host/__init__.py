"""The server around the road: the shared root and the package managers that work in it."""
