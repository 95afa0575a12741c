"""Which names git refuses."""

import pytest

from etcsync.names import is_git_modules_name, is_safe_name


@pytest.mark.parametrize("name", [
    ".git", ".GIT", ".Git ", ".git.", ".git...  ", "git~1", "GIT~1", "git~1.", ".git\\x", "a\\.git",
    ".git:x", ".g\u200cit", "\ufeff.git", ".gi\u206ft",
])  # fmt: skip
def test_refused(name):
    assert not is_safe_name(name)


@pytest.mark.parametrize("name", [
    ".gitignore", ".gitx", "git", "x.git", "git~2", "git~10", ".gi", ".git~1", "a.git:x",
    "\udcff.git",
])  # fmt: skip
def test_allowed(name):
    assert is_safe_name(name)


@pytest.mark.parametrize(
    "name", [".gitmodules", ".GITMODULES", "gitmod~1", "GI7EBA~1", ".gitmodules ."]
)
def test_means_gitmodules(name):
    assert is_git_modules_name(name)
    assert not is_git_modules_name("x" + name)
