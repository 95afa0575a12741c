import os
import time

import pytest
from cluster import sample_cluster
from hub_support import make_hub, plain_git, record

from etcsync.config import load_settings
from etcsync.entries import blob_oid
from etcsync.hub import maintenance, refs
from etcsync.hub.hub import UPSTREAM_REF, RefUpdate, open_hub
from etcsync.hub.maintenance import clean_up, pack_if_needed
from etcsync.hub.worktree import ensure_worktree, index_path
from etcsync.reconcile.options import SyncOptions, no_advance
from etcsync.reconcile.reconciler import sync_clients


@pytest.fixture
def hub(tmp_path):
    with open_hub(make_hub(tmp_path)) as hub:
        yield hub


def count_packs(hub):
    names = os.listdir(os.path.join(hub.path, "objects", "pack"))
    return sum(name.endswith(".pack") for name in names)


def write_runs(hub, runs, tip=None):
    for number in range(runs):
        commit = record(
            hub, {"motd": b"%d\n" % number}, *([tip] if tip else []), ref=UPSTREAM_REF, old=tip
        )
        tip = commit
    return tip


def test_a_hub_with_few_packs_is_left_alone(hub):
    write_runs(hub, 3)
    assert not pack_if_needed(hub)
    assert count_packs(hub) == 3


def test_only_a_run_that_wrote_packs(tmp_path, monkeypatch):
    monkeypatch.setattr(maintenance, "MOST_RUNS", 0)
    cluster = sample_cluster(tmp_path)
    cluster.sync()
    settings = load_settings(str(cluster.settings))
    stamp = cluster.state / "hub.git" / "etcsync-packed"  # of the packing that makes one of all
    stamp.unlink()
    sync_clients(settings, (), SyncOptions(), no_advance)
    assert not stamp.exists()
    (cluster.tree(0) / "hosts").write_text("127.0.0.1 localhost mine\n")
    sync_clients(settings, (), SyncOptions(), no_advance)
    assert stamp.exists()


def test_many_packs_become_few_and_everything_is_still_there(hub, monkeypatch):
    monkeypatch.setattr(maintenance, "MOST_RUNS", 5)
    tip = write_runs(hub, 8)
    garbage = record(hub, {"motd": b"nobody leads here\n"})
    assert pack_if_needed(hub)
    assert count_packs(hub) == 2
    tip = write_runs(hub, 8, tip)
    assert pack_if_needed(hub)
    assert count_packs(hub) <= 4
    assert not pack_if_needed(hub)
    assert hub.count_between(tip, tip) == 0
    assert len(plain_git(hub.path, "rev-list", UPSTREAM_REF).splitlines()) == 16
    assert hub.commit(garbage).oid == garbage
    plain_git(hub.path, "fsck", "--strict")


def test_what_only_an_index_leads_to_is_kept(hub, monkeypatch, tmp_path):
    monkeypatch.setattr(maintenance, "MOST_RUNS", 0)
    monkeypatch.setattr(maintenance, "GRACE", "now")
    write_runs(hub, 1)
    ensure_worktree(hub, "client0", str(tmp_path / "tree"))
    only = blob_oid(b"only in an index\n")
    record(hub, {"motd": b"only in an index\n"})
    lost = record(hub, {"motd": b"nowhere\n"})
    environment = {"GIT_INDEX_FILE": index_path(hub.path, "client0")}
    with monkeypatch.context() as context:
        for name, value in environment.items():
            context.setenv(name, value)
        plain_git(hub.path, "update-index", "--add", "--cacheinfo", f"100644,{only},motd")
    assert pack_if_needed(hub)
    with open_hub(hub.path) as again:
        assert again.has([only, lost]) == {only}


def test_a_ref_deleted_during_the_grace_can_be_brought_back(hub, monkeypatch):
    monkeypatch.setattr(maintenance, "MOST_RUNS", 0)
    tip = write_runs(hub, 2)
    hub.update_refs([RefUpdate(UPSTREAM_REF, None, tip)])
    assert pack_if_needed(hub)
    hub.update_refs([RefUpdate(UPSTREAM_REF, tip, None)])
    assert hub.refs() == {UPSTREAM_REF: tip}


def test_loose_objects_are_packed(hub):
    write_runs(hub, 1)
    for number in range(3000):
        content = b"%d\n" % number
        if blob_oid(content).startswith("17"):
            plain_git(hub.path, "hash-object", "-w", "--stdin", stdin=content)
    assert pack_if_needed(hub)
    assert plain_git(hub.path, "count-objects") == b"0 objects, 0 kilobytes\n"


def test_what_killed_processes_left_is_removed_and_the_rest_is_not(hub, monkeypatch):
    monkeypatch.setattr(refs, "LEFT_OVER_AFTER", 0.2)
    tip = write_runs(hub, 1)
    packs = os.path.join(hub.path, "objects", "pack")
    heads = os.path.join(hub.path, "refs", "heads")
    os.makedirs(heads, exist_ok=True)
    left_over = [
        os.path.join(hub.path, "packed-refs.lock"),
        os.path.join(heads, "client0.lock"),
        os.path.join(hub.path, "fast_import_crash_1234"),
        os.path.join(packs, "tmp_pack_abc"),
    ]
    for path in left_over:
        with open(path, "wb"):
            os.utime(path, (0, 0))
    young_pack = os.path.join(packs, "tmp_pack_young")
    young_lock = os.path.join(hub.path, "HEAD.lock")
    for path in (young_pack, young_lock):
        with open(path, "wb"):
            pass
    started = time.monotonic()
    clean_up(hub)
    assert 0.1 < time.monotonic() - started < 5
    assert not [path for path in [*left_over, young_lock] if os.path.exists(path)]
    assert os.path.exists(young_pack)
    assert hub.refs() == {UPSTREAM_REF: tip}
