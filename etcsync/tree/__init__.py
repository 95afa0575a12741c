"""The live tree: the only code that touches a client's /etc. It trusts nothing it finds there."""
