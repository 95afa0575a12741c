import pytest

from etcsync.names import is_safe_name, is_safe_path


@pytest.mark.parametrize(
    "name",
    [
        "", ".", "..", "a/b", "a\0b", ".git", ".GIT", ".Git", "git~1", "GIT~1", ".git ", ".git.",
        ".git. .", ".git\\x", "x\\.git", ".git:stream", ".g\u200cit", "\ufeff.git", ".git\u202e",
    ],
)  # fmt: skip
def test_names_that_some_git_takes_for_its_own_are_not_safe(name):
    assert not is_safe_name(name)


@pytest.mark.parametrize(
    "name",
    [
        ".gitignore", ".gitattributes", ".etckeeper", "git", "git~2", "gitweb.conf", "x.git", "...",
        "-rf", " ", "a\nb", '"', "dev-disk-by\\x2dlabel.swap", "\udcff\udcfe", "Ω", ".git_", "*",
    ],
)  # fmt: skip
def test_unusual_names_are_safe_otherwise(name):
    assert is_safe_name(name)


@pytest.mark.parametrize("path", ["", ".", "/", "/etc", "a/", "a//b", "a/../b", "./a", "a/.git/b"])
def test_a_path_is_relative_and_made_of_safe_names(path):
    assert not is_safe_path(path)


def test_a_path_may_be_deep_and_odd():
    assert is_safe_path("a/b b/\n/" + "x/" * 100 + "-")
