"""Clients in the files of the server's other programs: read from them, and written for them."""
