import itertools

from hub_support import make_hub, plain_git

from etcsync.entries import blob_oid, encode_path
from etcsync.names import is_safe_name

PIECES = [
    ".git",
    ".GIT",
    "git~1",
    "GIT~1",
    "git~2",
    ".gitx",
    ".git\u200c",
    "\\",
    ":",
    " ",
    ".",
    "x",
]


def test_git_fsck_objects_to_no_name_that_is_called_safe(tmp_path):
    path = make_hub(tmp_path)
    names = {"".join(pieces) for n in (1, 2, 3) for pieces in itertools.product(PIECES, repeat=n)}
    plain_git(path, "hash-object", "-w", "--stdin")
    entry = b"100644 blob " + blob_oid(b"").encode() + b"\t%s\0"
    safe = sorted(name for name in names if is_safe_name(name))
    unsafe = [name for name in names if not is_safe_name(name)]
    assert len(safe) > 500
    assert len(unsafe) > 200
    tree = plain_git(
        path, "mktree", "-z", stdin=b"".join(entry % encode_path(name) for name in safe)
    ).decode()
    lines = plain_git(path, "fsck", "--strict").decode()
    assert "hasDot" not in lines
    assert tree.strip() in lines
