"""The reference names every key there is, with its default."""

import os
import re
import tomllib

from etcsync.config import Client, Settings
from etcsync.policy.packs import available_packs
from etcsync.policy.rules import SEED_VALUES, parse_rules
from etcsync.policy.treatment import Promote, Strategy, Treatment
from etcsync.settings_sample import SAMPLE

REFERENCE = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "reference")
DERIVED = {("upstream", "root"), ("upstream", "etc"), ("boot", "source")}


def document(name: str) -> str:
    with open(os.path.join(REFERENCE, name)) as file:
        return file.read()


def rows(section: str) -> dict[str, list[str]]:
    """Return the cells of each table row in ``section`` by the key in the first."""
    found = (
        line.strip("| ").split(" | ") for line in section.split("\n") if line.startswith("| `")
    )
    return {cells[0].strip("`"): cells[1:] for cells in found}


def test_every_settings_key_is_described_in_its_section_with_its_default() -> None:
    text = document("settings.md")
    section = re.compile(r"^## `?\[*(.+?)\]*`?$(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
    sections = dict(section.findall(text))
    top = [
        name
        for name, f in Settings.model_fields.items()
        if not hasattr(f.annotation, "model_fields")
    ]
    assert set(rows(sections["Top level"])) | {"clients"} == set(top)
    assert set(rows(sections["clients"])) == set(Client.model_fields)
    for name, field in Settings.model_fields.items():
        keys = getattr(field.annotation, "model_fields", {})
        assert not keys or set(rows(sections[name])) == set(keys)
    table = "Top level"
    for line in SAMPLE.split("\n"):
        if header := re.fullmatch(r"\[(\w+)\]", line):
            table = header[1]
        elif (default := re.fullmatch(r"# ([a-z_]+) = (.*)", line)) and (
            (table, default[1]) not in DERIVED
        ):
            assert f"`{default[2]}`" in rows(sections[table])[default[1]][1], line


def test_every_rule_key_strategy_and_pack_is_described() -> None:
    described = rows(document("policy.md"))
    assert set(Treatment.__dataclass_fields__) | {"paths", "clients"} <= set(described)
    assert {str(strategy) for strategy in Strategy} <= set(described)
    assert set(available_packs()) <= set(described)
    assert all(f"`{promote}`" in described["promote"][0] for promote in Promote)
    assert all(f"`{{{value}}}`" in described["seed"][1] for value in SEED_VALUES)


def test_the_examples_are_good_rules() -> None:
    examples = re.findall(r"```toml\n(.*?)```", document("policy.md"), re.DOTALL)
    assert len(examples) > 3
    for example in examples:
        assert parse_rules(example, "policy.md")
    for example in re.findall(r"```toml\n(.*?)```", document("settings.md"), re.DOTALL):
        assert tomllib.loads(example)
