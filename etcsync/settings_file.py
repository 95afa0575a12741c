"""The settings file on disk: created, and edited with its comments kept.

Every edit is read back as settings before it is written, so that one that would make the file wrong
changes nothing. `etcsync.settings_edit` makes the edits.
"""

import os
import stat
from collections.abc import Callable, Iterable, Mapping

from etcsync.atomic_file import write_file
from etcsync.config import Client, Settings, parse_settings, read_settings_text, settings_path
from etcsync.errors import SettingsError
from etcsync.settings_edit import (
    with_clients,
    with_commented_default,
    with_item,
    with_value,
    without_client,
)
from etcsync.settings_sample import SAMPLE
from etcsync.toml_edit import Value


def create_settings(
    path: str,
    *,
    root: str,
    values: Mapping[tuple[str, str], Value] | None = None,
    clients: Iterable[Client] = (),
) -> Settings:
    """Write a new settings file that shows every default in a comment, and return what it says.

    Args:
        path: Where it is to be; missing directories are made (0755).
        root: The shared root, ``upstream.root``.
        values: Further values by table and key, such as ``("trees", "path")``; the table of a
            top-level key is ``""``.
        clients: The clients to begin with.

    Raises:
        SettingsError: The file exists, cannot be written, or would be wrong.
    """
    source = settings_path(path)
    text = with_value(SAMPLE, "upstream", "root", root)
    for (table, key), value in (values or {}).items():
        text = with_value(text, table, key, value)
    text = with_clients(text, clients)
    settings = parse_settings(text, source)
    for table, key, default in (
        ("upstream", "etc", settings.upstream.etc),
        ("trees", "staging", settings.trees.staging),
        ("boot", "source", settings.boot.source),
    ):
        text = with_commented_default(text, table, key, default)
    try:
        os.makedirs(os.path.dirname(source), 0o755, exist_ok=True)
        write_file(source, text.encode(), replace=False)
    except FileExistsError as error:
        raise SettingsError(
            f"there is a settings file {source} already",
            hint="Edit it, or name another with --config FILE.",
        ) from error
    except OSError as error:
        raise _not_written(source, error) from error
    return settings


def set_value(path: str, table: str, key: str, value: Value) -> Settings:
    """Write ``key = value`` into ``[table]``, and return what the file says then.

    Args:
        path: The settings file.
        table: The table; empty for the top level. It is added where it is missing.
        key: The key.
        value: Its value; a sequence becomes a list.

    Raises:
        SettingsError: The file is missing, cannot be written, or would be wrong.
    """
    return _edit(path, lambda text, _: with_value(text, table, key, value))


def add_rule_file(path: str, rules: str) -> Settings:
    """Write ``rules`` as the last of the rule files, and return what the file says then.

    Args:
        path: The settings file.
        rules: The absolute path of a rule file; nothing changes where it is named already.

    Raises:
        SettingsError: The file is missing, cannot be written, or would be wrong.
    """

    def edit(text: str, settings: Settings) -> str:
        named = rules in settings.policy.files
        return text if named else with_item(text, "policy", "files", rules)

    return _edit(path, edit)


def add_clients(path: str, clients: Iterable[Client]) -> Settings:
    """Write ``clients`` into the file, and return what it says then.

    Clients that are there already get what they lack (address, MAC address, labels).

    Raises:
        UsageError: A client is there already with another address or MAC address.
        SettingsError: The file is missing, cannot be written, or would be wrong.
    """
    return _edit(path, lambda text, _: with_clients(text, clients))


def remove_client(path: str, name: str) -> Settings:
    """Take the client ``name`` out of the file, and return what it says then.

    Raises:
        UsageError: There is no such client.
        SettingsError: It may write /boot; or the file is missing, or cannot be written.
    """

    def edit(text: str, settings: Settings) -> str:
        if settings.boot.writer == settings.client(name).name:
            raise SettingsError(
                f"the client {name!r} may write /boot",
                hint="Run `etcsync boot revoke` first, or grant it to another client.",
            )
        return without_client(text, name)

    return _edit(path, edit)


def _edit(path: str, edit: Callable[[str, Settings], str]) -> Settings:
    """Replace the file's text by what ``edit`` makes of it, if that is good."""
    source = settings_path(path)
    real = os.path.realpath(source)
    before = _state(real)
    text = read_settings_text(real)
    changed = edit(text, parse_settings(text, source))
    settings = parse_settings(changed, source)
    if changed != text:
        if _state(real) != before:
            raise SettingsError(f"{source} was changed by someone else", hint="Run it again.")
        try:
            write_file(real, changed.encode())
        except OSError as error:
            raise _not_written(source, error) from error
    return settings


def _state(path: str) -> tuple[int, ...] | None:
    """Return what tells one state of the file from another; None: no file that can be edited."""
    try:
        found = os.lstat(path)
    except OSError:
        return None
    if not stat.S_ISREG(found.st_mode):
        raise SettingsError(f"{path} is not a regular file")
    return found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size


def _not_written(path: str, error: OSError) -> SettingsError:
    hint = "Run etcsync as root." if isinstance(error, PermissionError) else None
    return SettingsError(f"{path} cannot be written: {error.strerror}", hint=hint)
