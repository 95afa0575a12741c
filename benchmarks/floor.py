"""The least that can be done: the same bytes, durably, in every tree, and nothing else.

Usage: floor.py ETC FILE-OF-PATHS FILE-OF-TREES
"""

import os
import sys


def main() -> None:
    etc, paths, trees = sys.argv[1:]
    with open(paths, encoding="utf-8") as lines:
        names = lines.read().split()
    with open(trees, encoding="utf-8") as lines:
        places = lines.read().split()
    contents = {}
    for name in names:
        with open(f"{etc}/{name}", "rb") as file:
            contents[name] = file.read()
    for place in places:
        for name, content in contents.items():
            path = f"{place}/{name}"
            with open(f"{path}.new", "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.rename(f"{path}.new", path)


if __name__ == "__main__":
    main()
