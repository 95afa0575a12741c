"""The least that a scan can do: list every directory and lstat every name, and nothing else.

Usage: walk.py FILE-OF-TREES
"""

import os
import sys


def main() -> None:
    with open(sys.argv[1], encoding="utf-8") as lines:
        waiting = lines.read().split()
    while waiting:
        with os.scandir(waiting.pop()) as names:
            for name in names:
                name.stat(follow_symlinks=False)
                if name.is_dir(follow_symlinks=False):
                    waiting.append(name.path)


if __name__ == "__main__":
    main()
