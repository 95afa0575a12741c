"""A root file system of a shell and a few tools, copied from this machine with their libraries."""

import re
import shutil
import subprocess
from pathlib import Path

TOOLS = (
    "bash", "cat", "chmod", "date", "grep", "head", "id", "ls", "mknod", "mount", "rm", "setsid",
    "sh", "sleep", "touch", "tty", "unshare", "yes",
)  # fmt: skip


def build_small_root(root: Path) -> Path:
    """Make ``root`` a system that can run `TOOLS`; return it."""
    for directory in ("bin", "dev", "etc", "proc", "run", "tmp", "usr/sbin"):
        (root / directory).mkdir(parents=True, exist_ok=True)
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found is not None, tool
        shutil.copy(found, root / "bin" / tool)
        for library in _libraries(found):
            place = root / library.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(library, place)
    return root


def add_script(root: Path, path: str, text: str) -> None:
    """Put a shell script into a root."""
    place = root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(f"#!/bin/sh\n{text}\n")
    place.chmod(0o755)


def _libraries(program: str) -> list[str]:
    listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    return re.findall(r"(/\S+) \(0x", listed)
