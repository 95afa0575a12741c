"""One upstream commit to many trees: the guide's loop of git pulls against ``etcsync sync``.

Both sides start from the guide's clones: the same content, and in each the host keys of its client
committed, so that a pull merges as it does there. Each commit changes one file.
Prints the seconds of every round and the medians; exits 1 when etcsync takes more than a third.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

from etcsync.demo.sample_etc import write_sample_etc

LIMIT = 1 / 3
IDENTITY = ("-c", "user.name=root", "-c", "user.email=root@server")


def git(directory: str, *arguments: str) -> None:
    subprocess.run(["git", "-C", directory, *IDENTITY, *arguments], check=True, capture_output=True)


def etcsync(*arguments: str) -> None:
    command = [sys.executable, "-m", "etcsync", *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def commit(etc: str, number: int) -> None:
    with open(os.path.join(etc, "motd"), "a", encoding="utf-8") as motd:
        motd.write(f"change {number}\n")
    git(etc, "commit", "-qam", f"change {number}")


def guide_loop(scratch: str) -> None:
    """Pull as the guide does: one ``git pull`` after the other."""
    pull = (
        'git -c user.name=root -c user.email=root@server -C "$tree" pull -q --no-edit --no-rebase'
    )
    script = f'for tree in "$1"/loop-*; do {pull}; done'
    subprocess.run(["sh", "-c", script, "sh", scratch], check=True, capture_output=True)


def measure(action: Callable[[], None]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def clone(scratch: str, etc: str, name: str) -> None:
    """Make a client's tree as the guide does, host keys committed."""
    tree = os.path.join(scratch, name)
    git(scratch, "clone", "-q", os.path.join(etc, ".git"), name)
    for kind in ("ed25519", "ecdsa", "rsa"):
        with open(os.path.join(tree, f"ssh/ssh_host_{kind}_key"), "w", encoding="utf-8") as key:
            key.write(f"the {kind} key of {name}\n")
        os.chmod(key.name, 0o600)
    git(tree, "add", ".")
    git(tree, "commit", "-qm", "Add SSH host keys")


def prepare(scratch: str, trees: int, files: int) -> str:
    """Build upstream, the guide's clones and etcsync's trees; return the settings file."""
    etc = os.path.join(scratch, "root", "etc")
    os.makedirs(etc)
    write_sample_etc(etc, padding=files)
    git(etc, "init", "-q")
    git(etc, "add", "-A")
    git(etc, "commit", "-qm", "first")
    for number in range(trees):
        for name in (f"loop-client{number}", f"etc-client{number}"):
            clone(scratch, etc, name)
    settings = os.path.join(scratch, "etcsync.toml")
    with open(settings, "w", encoding="utf-8") as stream:
        stream.write(
            f'state_dir = "{scratch}/state"\n[upstream]\nroot = "{scratch}/root"\n'
            f'[trees]\npath = "{scratch}/etc-{{client}}"\n[exports]\ncommand = []\n'
        )
    etcsync("--config", settings, "init", "--root", os.path.join(scratch, "root"),
            "--clients", f"client{{0..{trees - 1}}}")  # fmt: skip
    etcsync("--config", settings, "sync")
    return settings


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trees", type=int, default=300)
    parser.add_argument("--files", type=int, default=450, help="files besides the sample's own")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scratch", help="directory to build in  [default: a temporary one]")
    arguments = parser.parse_args()
    scratch = tempfile.mkdtemp(prefix="etcsync-bench-", dir=arguments.scratch)
    try:
        settings = prepare(scratch, arguments.trees, arguments.files)
        etc = os.path.join(scratch, "root", "etc")
        loops, syncs, idles = [], [], []
        for number in range(arguments.rounds):
            commit(etc, number)
            loops.append(measure(lambda: guide_loop(scratch)))
            syncs.append(measure(lambda: etcsync("--config", settings, "sync")))
            idles.append(measure(lambda: etcsync("--config", settings, "sync")))
            print(f"round {number}: loop {loops[-1]:.2f} s, sync {syncs[-1]:.2f} s, "
                  f"sync with nothing to do {idles[-1]:.2f} s", flush=True)  # fmt: skip
    finally:
        shutil.rmtree(scratch)
    loop, sync = statistics.median(loops), statistics.median(syncs)
    print(f"{arguments.trees} trees, medians: loop {loop:.2f} s, sync {sync:.2f} s, "
          f"ratio {sync / loop:.2f}; nothing to do {statistics.median(idles):.2f} s")  # fmt: skip
    return 0 if sync <= loop * LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
