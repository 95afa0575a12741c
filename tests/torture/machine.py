"""A small cluster on which everything happens in any order, watched by `torture.checker`."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from cluster import CLEAN_ENVIRONMENT, Answer, Cluster, git, sample_cluster
from forked import run_forked
from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from torture import edits
from torture.checker import BrokenPromiseError, Checker, survey
from torture.edits import Etc
from torture.kills import adopt_orphans, await_orphans, dying_at

CLIENTS = ("client0", "client1", "client2")
LIMITS = '[limits]\nmax_file_size = "64KiB"\nmax_delete_percent = 100\n'
OWN = frozenset({
    b"etc-client0", b"etc-client1", b"etc-client2", b"state", b"root", b".etcsync",
    b"accepted.toml", b"etcsync.toml",
})  # fmt: skip
MEMORY = "/dev/shm"
"""A file system without a disk, on which thousands of syncs cost little."""

ACCOUNTS = {b"passwd", b"group", b"shadow", b"gshadow"}
GENERATED = frozenset({b".etckeeper", b"ld.so.cache", b".pwd.lock"})
"""What etcsync makes itself, or copies from upstream's live tree, and never records."""

CLIENTS_OWN = {b"hostname", b"machine-id", b"ld.so.cache", b"fstab", b"adjtime", b"machine-info"}
"""What policy leaves to a client, or copies from outside git."""

numbers = st.integers(0, 30)
paths = st.sampled_from(edits.PATHS)
clients = st.sampled_from(CLIENTS)


class Torture(RuleBasedStateMachine):
    """Three clients and their upstream; see the rules for what may happen to them."""

    keeper: ClassVar = "git"
    steps: ClassVar = [0]
    _place: ClassVar[Path | None] = None

    @classmethod
    def template(cls) -> Path:
        """Build the cluster once; each run starts with a copy of it in the same place."""
        if cls._place is None:
            adopt_orphans()
            in_memory = MEMORY if os.access(MEMORY, os.W_OK) else None
            base = Path(tempfile.mkdtemp(prefix="etcsync-torture-", dir=in_memory))
            cls._place = base / "cluster"
            (cls._place / "outside").mkdir(parents=True)
            (cls._place / "outside/canary").write_text("outside\n")
            cluster = sample_cluster(cls._place, extra=LIMITS)
            if cls.keeper == "etckeeper":
                etckeeper(cluster, "init")
                etckeeper(cluster, "commit", "kept by etckeeper")
            cluster.sync()
            subprocess.run(["cp", "-a", cls._place, base / "copy"], check=True)
        return cls._place

    @classmethod
    def clear_away(cls) -> None:
        if cls._place is not None:
            shutil.rmtree(cls._place.parent)
            cls._place = None

    @initialize(divided=st.booleans())
    def begin(self, divided: bool) -> None:
        place = self.template()
        shutil.rmtree(place)
        subprocess.run(["cp", "-a", place.parent / "copy", place], check=True)
        self.cluster = Cluster(place)
        self.cluster.divided = divided
        trees = {name: self.cluster.tree(name) for name in CLIENTS}
        hub = self.cluster.state / "hub.git"
        self.checker = Checker(
            self.cluster.etc, trees, hub, place / ".etcsync", place, OWN, GENERATED
        )
        self.upstream = Etc(self.cluster.etc, "upstream")
        self.etcs = {name: Etc(tree, name) for name, tree in trees.items()}
        self.touched = {name: set(CLIENTS_OWN) for name in CLIENTS}
        self.ever_touched: dict[str, set[bytes]] = {name: set() for name in CLIENTS}
        self.suspended: set[str] = set()
        self.rewritten = False
        self.cut_off = False
        self.commits = 0

    # ------------------------------------------------------------ what others do

    @rule(path=paths, edit=st.sampled_from(edits.EDITS), variant=numbers, commit=st.booleans())
    def upstream_edits(self, path: bytes, edit: edits.Edit, variant: int, commit: bool) -> None:
        self._count()
        edit(self.upstream, path, variant)
        if commit:
            self._commit()

    @rule(variant=numbers)
    def upstream_adds_a_user(self, variant: int) -> None:
        self._count()
        edits.add_account(self.upstream, variant)
        self._commit()

    @rule()
    def upstream_commits(self) -> None:
        self._count()
        self._commit()

    @rule(variant=numbers)
    def upstream_changes_a_mirrored_file(self, variant: int) -> None:
        self._count()
        edits.write(self.upstream, b"ld.so.cache", variant)

    @rule()
    def upstream_rewrites_its_last_commit(self) -> None:
        self._count()
        if self._is_locked():
            return
        git(self.cluster.etc, "commit", "-q", "--amend", "--allow-empty", "-m", "rewritten")
        self.rewritten = True

    @rule(
        client=clients,
        path=st.sampled_from(edits.HOSTILE_PATHS),
        edit=st.sampled_from(edits.HOSTILE_EDITS),
        variant=numbers,
    )
    def client_edits(self, client: str, path: bytes, edit: edits.Edit, variant: int) -> None:
        self._count()
        self.touched[client] |= edit(self.etcs[client], path, variant)

    @rule(client=clients, variant=numbers)
    def client_adds_a_user(self, client: str, variant: int) -> None:
        self._count()
        if edits.add_account(self.etcs[client], variant):
            self.touched[client] |= ACCOUNTS

    @rule(path=paths, edit=st.sampled_from(edits.EDITS), variant=numbers)
    def everybody_edits(self, path: bytes, edit: edits.Edit, variant: int) -> None:
        """Make conflicts likely: upstream and all clients are at work at one path."""
        self._count()
        for name, etc in self.etcs.items():
            self.touched[name] |= edit(etc, path, variant)
        edit(self.upstream, path, variant)
        self._commit()

    # ------------------------------------------------------------ what etcsync does

    @rule(which=st.sampled_from(((), *((name,) for name in CLIENTS), CLIENTS[1:])))
    def sync(self, which: tuple[str, ...]) -> None:
        self._count()
        self._sync(which)

    @rule(which=st.sampled_from(((), CLIENTS[1:])))
    def sync_quickly(self, which: tuple[str, ...]) -> None:
        self._count()
        self._sync(which, "--quick")

    @rule()
    def sync_until_rest(self) -> None:
        """The second time there is nothing to do, the third time nothing is written either.

        A new ``.gitignore`` changes which lines a tree's metadata file has; they are recorded by
        the run that finds it in place.
        """
        self._count()
        run = self._sync(())
        if run is None or any(client["error"] for client in run["clients"]):
            return
        again = self._sync(())
        assert [client["actions"] for client in again["clients"]] == [[], [], []]
        before = self._state()
        self._sync(())
        after = self._state()
        changed = {path for path, _ in before.items() ^ after.items()}
        assert before == after, f"written although there was nothing to do: {changed}"

    @rule(client=clients, named=st.booleans(), variant=numbers)
    def promote(self, client: str, named: bool, variant: int) -> None:
        self._count()
        self._run("promote", client, *(self._drift(client, variant) if named else ()))

    @rule(
        variant=numbers,
        way=st.sampled_from(("--upstream", "--client", "--union", "--file")),
        everywhere=st.booleans(),
    )
    def resolve(self, variant: int, way: str, everywhere: bool) -> None:
        self._count()
        if arguments := self._resolution(variant, way, everywhere):
            self._run(*arguments)

    @rule(client=clients, variant=numbers)
    def discard(self, client: str, variant: int) -> None:
        self._count()
        if drift := self._drift(client, variant):
            self._run("discard", client, *drift)

    @rule(client=clients, variant=numbers)
    def accept(self, client: str, variant: int) -> None:
        self._count()
        if drift := self._drift(client, variant):
            self._run("accept", client, *drift)

    @rule(client=clients, back=st.integers(0, 6), whole=st.booleans(), path=paths)
    def restore(self, client: str, back: int, whole: bool, path: bytes) -> None:
        self._count()
        self._run(*self._restoration(client, back, whole, path))

    @rule(client=clients)
    def suspend(self, client: str) -> None:
        self._count()
        self._run("suspend", client)
        self.suspended.add(client)

    @rule(client=clients)
    def resume(self, client: str) -> None:
        self._count()
        self._run("resume", client)
        self.suspended.discard(client)

    @rule()
    def set_up_again(self) -> None:
        self._count()
        self._run("init", "--root", str(self.cluster.root))

    @rule(command=st.sampled_from(("status", "plan", "conflicts", "report", "diff client0")))
    def look_around(self, command: str) -> None:
        """Nothing is changed by what only reads."""
        self._count()
        before = self._state()
        self.cluster.run(*command.split(), status=None)
        assert self._state() == before

    @rule(
        number=st.integers(1, 130),
        command=st.sampled_from(("sync", "promote", "resolve", "discard", "restore", "init")),
        client=clients,
        variant=numbers,
        path=paths,
        then_sync=st.booleans(),
    )
    def killed(
        self, number: int, command: str, client: str, variant: int, path: bytes, then_sync: bool
    ) -> None:
        """Kill a command before its so-manieth change."""
        self._count()
        arguments: Sequence[str] = {
            "sync": lambda: ("sync",),
            "promote": lambda: ("promote", client),
            "resolve": lambda: self._resolution(variant, "--upstream", variant % 2 == 0),
            "discard": lambda: ("discard", client, *self._drift(client, variant)),
            "restore": lambda: self._restoration(client, variant % 6, variant % 2 == 0, path),
            "init": lambda: ("init", "--root", str(self.cluster.root)),
        }[command]()
        if not arguments:
            return
        self.checker.look()
        answer = self._fork(arguments, number)
        if command == "promote":
            self.checker.note_promoted()
        if command == "restore":  # it may have died before it suspended
            told = self.cluster.status()
            self.suspended = {name for name, client in told.items() if client["suspended"]}
        killed = answer.status == -signal.SIGKILL or "by SIGKILL" in answer.out + answer.err
        self.cut_off = self.cut_off or killed
        now = self.checker.check(cut_off=self.cut_off)
        if then_sync:
            before = {name: dict(found) for name, found in self.checker.before.items()}
            self._sync(())
            for name, found in now.items():
                self._nothing_was_away(name, before[name], found)

    # ------------------------------------------------------------ how it is done and judged

    def teardown(self) -> None:
        """In the end all comes to rest, whatever happened."""
        if not hasattr(self, "cluster"):
            return
        self._run("resume", *CLIENTS)
        self.suspended.clear()
        self.checker.forget()
        self._sync(())
        for repository in (self.cluster.state / "hub.git", self.cluster.etc / ".git"):
            said = git(self.cluster.place, f"--git-dir={repository}", "fsck", "--no-dangling")
            assert not said.strip(), said

    def _nothing_was_away(self, name: str, before: Any, killed: Any) -> None:
        """What was there before and is there in the end was there at the moment of death."""
        after = survey(self.checker.trees[name])
        files = {path for path, thing in before.items() if thing.kind == "file"}
        both = files & {path for path, thing in after.items() if thing.kind == "file"}
        assert both <= killed.keys(), f"{name} was without {both - killed.keys()}"

    def _count(self) -> None:
        self.steps[0] += 1

    def _commit(self) -> None:
        if self._is_locked():
            return
        self.commits += 1
        if self.keeper == "etckeeper" and self.commits % 4 == 0:
            etckeeper(self.cluster, "commit", "a change")
            return
        git(self.cluster.etc, "add", "-A")
        git(self.cluster.etc, "commit", "-q", "--allow-empty", "-m", "a change")

    def _is_locked(self) -> bool:
        """Whether a killed promotion keeps git out of upstream until the next run."""
        return self.cut_off and (self.cluster.etc / ".git/index.lock").exists()

    def _fork(self, arguments: Sequence[str], number: int) -> Answer:
        """Run a command that dies at a change; so may a process that it divides its work among."""

        def prepare() -> None:
            self.cluster.enter()
            dying_at(number)()

        code, out, err = run_forked(
            ["--config", str(self.cluster.settings), *arguments], CLEAN_ENVIRONMENT, 120, prepare
        )
        await_orphans()
        answer = Answer(code, out.decode("utf-8", "surrogateescape"), err.decode(errors="replace"))
        assert "Traceback" not in answer.err, answer.err
        return answer

    def _run(self, *arguments: str) -> Answer:
        """Run one command, and see that nothing was lost."""
        self.checker.look()
        answer = self.cluster.run(*arguments, status=None)
        note(f"{arguments} -> {answer.status} {answer.err[-300:]!r}")
        assert answer.status in {0, 1, 2, 3}, answer
        if self.cut_off and answer.status == 3:
            self.checker.check(cut_off=True)
        else:
            self.checker.check(cut_off=self.cut_off)
        return answer

    def _sync(self, which: Sequence[str], *options: str) -> Any:
        """Sync, and see that every change of upstream's is accounted for; None where it refused."""
        rewrite = ("--accept-rewrite",) if self.rewritten else ()
        held_still = {name: survey(self.cluster.tree(name)) for name in self.suspended}
        answer = self._run("sync", "--json", *options, *rewrite, *which)
        if "error" in answer.json:
            raise BrokenPromiseError(f"sync refused: {answer.json['error']}")
        self.rewritten = False
        for client in answer.json["clients"]:
            name = client["name"]
            if client["error"]:
                raise BrokenPromiseError(f"{name} failed: {client['error']}")
            if name in self.suspended:
                # What a killed command half put in place of a group goes back all the same.
                still = survey(self.cluster.tree(name)) == held_still[name]
                assert still or self.cut_off, "it is suspended"
                continue
            held = {os.fsencode(conflict["path"]) for conflict in client["conflicts"]}
            clean = self.checker.check_reconciled(name, held, self.touched[name])
            if self.keeper == "etckeeper":
                self.ever_touched[name] |= self.touched[name]
                self.checker.check_modes(name, held | self.ever_touched[name])
            self.touched[name] -= clean - CLIENTS_OWN
        if not which:
            self.cut_off = False
            self.checker.look()
            self.checker.check(cut_off=self.cut_off)
        return answer.json

    def _state(self) -> dict[bytes, tuple[int, ...]]:
        """Return what tells whether anything was written below the cluster's directory."""
        found = {}
        for directory, names, files in os.walk(os.fsencode(self.cluster.place)):
            for name in (*names, *files):
                place = os.path.join(directory, name)
                state = os.lstat(place)
                found[place] = (state.st_ino, state.st_size, state.st_mode, state.st_mtime_ns)
        return found

    def _drift(self, client: str, variant: int) -> tuple[str, ...]:
        """Return one path that `status` shows as drifted."""
        drift = self.cluster.status()[client]["drift"]
        return (drift[variant % len(drift)]["path"],) if drift else ()

    def _resolution(self, variant: int, way: str, everywhere: bool) -> tuple[str, ...]:
        held = [
            conflict
            for client in self.cluster.run("status", "--json").json["clients"]
            for conflict in client["conflicts"]
        ]
        if not held:
            return ()
        given = (way,)
        if way == "--file":
            file = self.cluster.place / "state/given"
            file.write_text(f"decided by {self.upstream.token()}\n")
            given = (way, str(file))
        chosen = held[variant % len(held)]
        for name in CLIENTS:
            self.touched[name].add(os.fsencode(chosen["path"]))
        return ("resolve", chosen["id"], *given, *(["--everywhere"] if everywhere else []))

    def _restoration(self, client: str, back: int, whole: bool, path: bytes) -> tuple[str, ...]:
        hub = self.cluster.state / "hub.git"
        asked = ("rev-list", "--first-parent", f"refs/heads/{client}")
        log = git(self.cluster.place, f"--git-dir={hub}", *asked).split()
        if whole:
            self.suspended.add(client)
            self.touched[client] |= {*survey(self.cluster.tree(client))}
            self.touched[client] |= {path for path, _ in self.checker.whole.history(*log[:1])}
        else:
            self.touched[client].add(path)
        revision = log[min(back, len(log) - 1)]
        return ("restore", client, revision, *(() if whole else (os.fsdecode(path),)))


class TortureOfEtckeeper(Torture):
    """The same where upstream is kept by the real etckeeper, whose hooks note modes and owners."""

    keeper = "etckeeper"
    _place = None


def etckeeper(cluster: Cluster, action: str, *arguments: str) -> None:
    """Run etckeeper on upstream, as an administrator does; where there is nothing, it says so."""
    names = {f"GIT_{who}_{what}": "admin" for who in ("AUTHOR", "COMMITTER")
             for what in ("NAME", "EMAIL")}  # fmt: skip
    done = subprocess.run(
        ["etckeeper", action, "-d", str(cluster.etc), *arguments],
        env=CLEAN_ENVIRONMENT | names, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0 or "nothing to commit" in done.stdout, done
