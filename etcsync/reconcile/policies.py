"""The rules in force: packs, then upstream's own, then the files that the settings name."""

import os
from collections.abc import Mapping, Sequence

from etcsync.config import Settings
from etcsync.errors import SettingsError
from etcsync.hub.hub import GitEntry, Hub, open_hub
from etcsync.hub.upstream import head_commit, objects_directory
from etcsync.policy.check import check
from etcsync.policy.packs import load_pack
from etcsync.policy.policy import Explanation, Policy
from etcsync.policy.rules import Rule, parse_rules
from etcsync.problems import Problem

UPSTREAM_RULES = "etcsync/policy.d/"
"""Where upstream keeps rules of its own, versioned with what they speak of."""


def load_rules(
    settings: Settings,
    hub: Hub,
    upstream: Mapping[str, GitEntry],
    edited: Mapping[str, str] = {},
) -> tuple[Rule, ...]:
    """Return all rules in their order: the last one that matches a path wins, key by key.

    Args:
        settings: The settings.
        hub: The hub, to read upstream's rule files from.
        upstream: Upstream's git tree.
        edited: Rule files as they are about to be, by path; those that the settings do not name
            come last.

    Raises:
        SettingsError: A rule file is wrong or missing.
    """
    rules = [rule for name in settings.policy.packs for rule in load_pack(name)]
    files = dict.fromkeys([*settings.policy.files, *edited])
    texts = [(path, edited[path] if path in edited else rule_file_text(path)) for path in files]
    for source, text in (*_upstream_texts(hub, upstream), *texts):
        rules += parse_rules(text, source)
    return tuple(rules)


def rules_in_force(settings: Settings) -> tuple[Rule, ...]:
    """Return all rules, upstream's as its head has them.

    Raises:
        SettingsError: A rule file is wrong or missing.
        HubError: There is no hub yet, or it is damaged.
    """
    etc = settings.upstream.etc
    with open_hub(settings.hub_path, borrowed_objects=objects_directory(etc)) as hub:
        return load_rules(settings, hub, hub.tree(hub.commit(head_commit(etc)).tree))


def explain_path(settings: Settings, client_name: str, path: str) -> Explanation:
    """Return why ``path`` is treated as it is on a client.

    Raises:
        UsageError: The client is unknown.
        SettingsError: A rule file is wrong or missing.
    """
    client = settings.client(client_name)
    directory = path.endswith("/")
    policy = Policy(rules_in_force(settings), client.name, client.labels)
    return policy.explain(path.strip("/"), directory=directory)


def check_rule_files(paths: Sequence[str]) -> tuple[Problem, ...]:
    """Return what is wrong in the rule files ``paths``.

    Raises:
        SettingsError: One cannot be read.
    """
    return check(_file_texts(paths))


def check_rules_in_force(settings: Settings) -> tuple[Problem, ...]:
    """Return what is wrong in upstream's rules and in the files that the settings name.

    Raises:
        SettingsError: One cannot be read.
        HubError: There is no hub yet, or it is damaged.
    """
    etc = settings.upstream.etc
    with open_hub(settings.hub_path, borrowed_objects=objects_directory(etc)) as hub:
        upstream = hub.tree(hub.commit(head_commit(etc)).tree)
        texts = (*_upstream_texts(hub, upstream), *_file_texts(settings.policy.files))
    return check(texts)


def _upstream_texts(hub: Hub, upstream: Mapping[str, GitEntry]) -> list[tuple[str, str]]:
    texts = []
    for path in sorted(upstream):
        name = path.removeprefix(UPSTREAM_RULES)
        if name == path or "/" in name or not name.endswith(".toml"):
            continue
        source = f"upstream's {path}"
        if upstream[path].mode not in {0o100644, 0o100755}:
            raise SettingsError(f"{source} is not a regular file", hint="Commit it as one.")
        texts.append((source, _decoded(hub.blob(upstream[path].oid), source)))
    return texts


def _file_texts(paths: Sequence[str]) -> list[tuple[str, str]]:
    return [(path, rule_file_text(path)) for path in paths]


def rule_file_text(path: str) -> str:
    """Return the content of a rule file.

    Raises:
        SettingsError: It cannot be read, or is not UTF-8 text.
    """
    try:
        with open(path, "rb") as stream:
            return _decoded(stream.read(), path)
    except OSError as error:
        raise SettingsError(
            f"the rule file {path} cannot be read: {os.strerror(error.errno or 0)}",
            hint="Mend or remove its name in [policy] files.",
        ) from error


def _decoded(content: bytes, source: str) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SettingsError(f"{source} is not UTF-8 text: {error.reason}") from error
