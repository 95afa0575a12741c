"""The rules that are shipped with etcsync: a pack for all systems and one per distribution."""

import os
import re
from functools import cache

from etcsync.errors import SettingsError
from etcsync.policy.rules import Rule, parse_rules
from etcsync.problems import suggestion
from etcsync.shipped import shipped_folder

BASE = "base"
"""The pack that suits every system; those of distributions build on it."""

PACK_BY_ID = {
    "arch": "arch",
    "debian": "debian",
    "ubuntu": "debian",
    "rhel": "rhel",
    "centos": "rhel",
    "fedora": "rhel",
    "rocky": "rhel",
    "almalinux": "rhel",
    "suse": "suse",
    "opensuse": "suse",
    "sles": "suse",
}
"""Packs by the names in ``ID`` and ``ID_LIKE`` of os-release(5)."""

_SOURCE = "pack "


def _folder() -> str:
    return shipped_folder("policies")


def available_packs() -> tuple[str, ...]:
    """Return the names of the packs, the common one first.

    Raises:
        SettingsError: The packs are missing from this installation.
    """
    try:
        files = os.listdir(_folder())
    except OSError as error:
        raise SettingsError(
            f"the shipped rules are missing: {_folder()}", hint="Install etcsync anew."
        ) from error
    names = {file.removesuffix(".toml") for file in files if file.endswith(".toml")}
    return tuple(sorted(names, key=lambda name: (name != BASE, name)))


@cache
def load_pack(name: str) -> tuple[Rule, ...]:
    """Return the rules of the pack ``name``, in their order.

    Raises:
        SettingsError: There is no such pack.
    """
    if name not in (packs := available_packs()):
        raise SettingsError(
            f"there is no pack {name!r}" + suggestion(name, packs),
            hint="`etcsync policy list` shows the packs; rules of your own go into policy.files.",
        )
    with open(os.path.join(_folder(), f"{name}.toml"), encoding="utf-8") as file:
        return parse_rules(file.read(), f"{_SOURCE}{name}")


def pack_file(source: str) -> str | None:
    """Return the file of the pack whose rules bear ``source``; None: they are no pack's."""
    name = source.removeprefix(_SOURCE)
    return None if name == source else os.path.join(_folder(), f"{name}.toml")


def pack_for_os_release(text: str) -> tuple[str, ...]:
    """Return the packs for a root file system.

    Args:
        text: The content of its ``/etc/os-release``, see os-release(5).

    Returns:
        ``("base", "debian")`` and the like; ``("base",)`` for a system that is not known.
    """
    values = dict(re.findall(r"^\s*(ID|ID_LIKE)=(.*)$", text, re.MULTILINE))
    words = " ".join(values.get(key, "") for key in ("ID", "ID_LIKE"))
    for word in re.findall(r"[a-z0-9._-]+", words.lower()):
        pack = PACK_BY_ID.get(word) or PACK_BY_ID.get(word.partition("-")[0])
        if pack:
            return (BASE, pack)
    return (BASE,)
