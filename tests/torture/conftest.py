"""The mounts that other tests use as well."""

from integration.conftest import mounted_tmpfs

__all__ = ["mounted_tmpfs"]
