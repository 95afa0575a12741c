"""Small systems of accounts, and edits of them as useradd, usermod, passwd and their kin make them.

An edit keeps the six files consistent with each other, as the real tools do; an edit that a tool
would refuse changes nothing.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import hypothesis.strategies as st

System = dict[str, list[str]]


class Edit(NamedTuple):
    """One call of a function of this module, behind the system."""

    function: Callable[..., None]
    arguments: tuple[object, ...]


NAMES = ["alice", "bob", "carol", "dave", "erin", "frank"]
GROUPS = ["docker", "render", "alice", "bob"]
IDS = [998, *range(1002, 1020)]
HASHES = ["$6$one", "$6$two", "$6$three"]
DAYS = ["19000", "19001", "19002", "0", ""]


def small_system() -> System:
    """Return a system of root, three users with passwords, and two groups."""
    system: System = {
        "passwd": ["root:x:0:0:root:/root:/bin/bash"],
        "group": ["root:x:0:"],
        "shadow": ["root:$6$root:19000:0:99999:7:::"],
        "gshadow": ["root:*::"],
        "subuid": [],
        "subgid": [],
    }
    for number, name in enumerate(NAMES[:3]):
        add_user(system, name, 1000 + number, 100000 + 65536 * number, "19000")
        set_password(system, name, "$6$old", "19000")
    add_group(system, "docker", 998)
    add_group(system, "render", 997)
    join(system, "alice", "docker")
    join(system, "bob", "docker")
    return system


def contents(system: System) -> dict[str, bytes | None]:
    return {name: "".join(f"{line}\n" for line in lines).encode() for name, lines in system.items()}


def rows(content: bytes | None) -> dict[str, list[str]]:
    """Return a consistent file's records by name, or by owner and start for subordinate ids."""
    lines = (content or b"").decode().splitlines()
    return {line.split(":")[0]: line.split(":") for line in lines if line[0] not in "+-"}


def find(system: System, file: str, name: str) -> int | None:
    return next((i for i, line in enumerate(system[file]) if line.split(":")[0] == name), None)


def change(system: System, file: str, name: str, position: int, edit: Callable[[str], str]) -> None:
    index = find(system, file, name)
    if index is not None:
        cells = system[file][index].split(":")
        cells[position] = edit(cells[position])
        system[file][index] = ":".join(cells)


def insert(system: System, file: str, line: str) -> None:
    compat = [i for i, old in enumerate(system[file]) if old[0] in "+-"]
    system[file].insert(compat[0] if compat else len(system[file]), line)


def remove(system: System, file: str, name: str) -> None:
    system[file] = [line for line in system[file] if line.split(":")[0] != name]


def gids(system: System) -> dict[str, str]:
    return {line.split(":")[0]: line.split(":")[2] for line in system["group"] if line[0] != "+"}


def add_group(system: System, name: str, gid: int) -> None:
    if name not in gids(system) and str(gid) not in gids(system).values():
        insert(system, "group", f"{name}:x:{gid}:")
        insert(system, "gshadow", f"{name}:!::")


def add_user(system: System, name: str, uid: int, start: int, day: str) -> None:
    uids = {line.split(":")[2] for line in system["passwd"] if line[0] != "+"}
    if find(system, "passwd", name) is not None or str(uid) in uids:
        return
    add_group(system, name, uid)
    if name not in gids(system):
        return
    insert(system, "passwd", f"{name}:x:{uid}:{gids(system)[name]}::/home/{name}:/bin/sh")
    insert(system, "shadow", f"{name}:!:{day}:0:99999:7:::")
    for file in ("subuid", "subgid"):
        insert(system, file, f"{name}:{start}:65536")


def delete_group(system: System, name: str) -> None:
    primary = {line.split(":")[3] for line in system["passwd"] if line[0] != "+"}
    if name != "root" and gids(system).get(name) not in primary:
        remove(system, "group", name)
        remove(system, "gshadow", name)


def delete_user(system: System, name: str) -> None:
    if find(system, "passwd", name) is None:
        return
    for group in gids(system):
        leave(system, name, group)
    for file in ("passwd", "shadow", "subuid", "subgid"):
        remove(system, file, name)
    delete_group(system, name)


def join(system: System, name: str, group: str) -> None:
    _set_members(system, group, lambda others: [*others, name], name)


def leave(system: System, name: str, group: str) -> None:
    _set_members(system, group, lambda others: others, name)


def _set_members(
    system: System, group: str, members: Callable[[list[str]], list[str]], name: str
) -> None:
    def edit(old: str) -> str:
        return ",".join(members([other for other in old.split(",") if other not in ("", name)]))

    if find(system, "passwd", name) is not None:
        for file in ("group", "gshadow"):
            change(system, file, group, 3, edit)


def set_shell(system: System, name: str, shell: str) -> None:
    change(system, "passwd", name, 6, lambda _: shell)


def set_password(system: System, name: str, password: str, day: str) -> None:
    change(system, "shadow", name, 1, lambda _: password)
    change(system, "shadow", name, 2, lambda _: day)


def lock(system: System, name: str) -> None:
    change(system, "shadow", name, 1, lambda old: old if old.startswith("!") else "!" + old)


def unlock(system: System, name: str) -> None:
    change(system, "shadow", name, 1, lambda old: old[1:] if old.startswith("!$") else old)


def renumber(system: System, name: str, uid: int) -> None:
    if str(uid) not in {line.split(":")[2] for line in system["passwd"] if line[0] != "+"}:
        change(system, "passwd", name, 2, lambda _: str(uid))


def add_alias_of_root(system: System, name: str) -> None:
    if find(system, "passwd", name) is None:
        insert(system, "passwd", f"{name}:x:0:0::/root:/bin/sh")
        insert(system, "shadow", f"{name}:*:19000:0:99999:7:::")


def rotate(system: System, file: str) -> None:
    ordinary = [line for line in system[file] if line[0] not in "+-"]
    compat = [line for line in system[file] if line[0] in "+-"]
    system[file] = ordinary[1:] + ordinary[:1] + compat


def add_compat(system: System, line: str) -> None:
    if line not in system["passwd"]:
        system["passwd"].append(line)


class Sides(NamedTuple):
    """A base and what two administrators made of it."""

    base: dict[str, bytes | None]
    ours: dict[str, bytes | None]
    theirs: dict[str, bytes | None]


def sides() -> st.SearchStrategy[Sides]:
    return st.builds(make_sides, histories(0, 3), histories(2, 5), histories(2, 5))


def make_sides(common: list[Edit], ours: list[Edit], theirs: list[Edit]) -> Sides:
    return Sides(
        contents(edited(common)),
        contents(edited([*common, *ours])),
        contents(edited([*common, *theirs])),
    )


def edited(edits: Iterable[Edit]) -> System:
    system = small_system()
    for edit in edits:
        edit.function(system, *edit.arguments)
    return system


def histories(least: int, most: int) -> st.SearchStrategy[list[Edit]]:
    names, groups = st.sampled_from(NAMES), st.sampled_from(GROUPS)
    anyone, ids = st.sampled_from([*NAMES, "root"]), st.sampled_from(IDS)
    starts = st.sampled_from([120000, *range(300000, 1000000, 65536)])
    days = st.sampled_from(DAYS)

    def edit(
        function: Callable[..., None], *arguments: st.SearchStrategy[object]
    ) -> st.SearchStrategy[Edit]:
        return st.builds(Edit, st.just(function), st.tuples(*arguments))

    passwords = st.sampled_from([*HASHES, "!", "*", ""])
    return st.lists(
        st.one_of(
            edit(add_user, names, ids, starts, days),
            edit(add_user, names, ids, starts, days),
            edit(add_group, groups, ids),
            edit(delete_user, names),
            edit(delete_group, groups),
            edit(join, names, groups),
            edit(leave, names, groups),
            edit(set_shell, anyone, st.sampled_from(["/bin/sh", "/bin/zsh", "/bin/false"])),
            edit(set_password, anyone, passwords, days),
            edit(set_password, anyone, passwords, days),
            edit(lock, anyone),
            edit(unlock, anyone),
            edit(renumber, names, ids),
            edit(add_alias_of_root, st.just("toor")),
            edit(rotate, st.sampled_from(["passwd", "group", "shadow"])),
            edit(add_compat, st.sampled_from(["+::::::", "+@admins::::::", "-carol::::::"])),
        ),
        min_size=least,
        max_size=most,
    )
