"""The documentation says what is: its links, its command lines, its lists of commands."""

import json
import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from etcsync.cli.main import main

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
MAN_PAGE = ROOT / "man/etcsync.1"
COMMANDS = ROOT / "docs/reference/commands.md"

FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
OPTION_ROW = re.compile(r"^\| `(--[a-z-]+)[^`]*` \| (.*) \|$", re.MULTILINE)

of_each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def prose(page: Path) -> str:
    """Return a page without what stands in it as code."""
    return re.sub(r"`[^`\n]*`", "code", FENCE.sub("", page.read_text()))


def anchors(page: Path) -> set[str]:
    """Return the anchors that a page's headings get where it is shown."""
    headings = HEADING.findall(FENCE.sub("", page.read_text()))
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


def blocks(page: Path, *languages: str) -> Iterator[tuple[str, str]]:
    """Yield language and text of the page's code blocks in these languages."""
    for _, language, text in FENCE.findall(page.read_text()):
        if language in languages:
            yield language, text


def command_lines(page: Path) -> Iterator[list[str]]:
    """Yield what follows ``etcsync`` in each command of the page's shell blocks."""
    for language, text in blocks(page, "sh", "bash", "console"):
        for line in text.splitlines():
            if language == "console":
                command = re.match(r"[#$] (.*)", line)
                words = shell_words(command[1]) if command else []
            else:
                words = shell_words(line)
            for command_words in split_commands(words):
                if command_words[:1] == ["etcsync"]:
                    yield command_words[1:]


def shell_words(line: str) -> list[str]:
    """Return the words of a line, with operators such as ``&&`` as words of their own."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    return list(lexer)


def split_commands(words: list[str]) -> Iterator[list[str]]:
    """Yield the commands between operators, without their redirections."""
    command: list[str] = []
    rest = iter(words)
    for word in rest:
        if set(word) <= set("<>"):
            next(rest, None)
        elif set(word) <= set("();|&"):
            yield command
            command = []
        else:
            command.append(word)
    yield command


def children(group: click.Group) -> dict[str, click.Command]:
    """Return a group's commands by name."""
    context = click.Context(group)
    found = {name: group.get_command(context, name) for name in group.list_commands(context)}
    return {name: command for name, command in found.items() if command is not None}


def leaves() -> dict[str, click.Command]:
    """Return all commands that do something, by what is typed after ``etcsync``."""
    found: dict[str, click.Command] = {}
    waiting: list[tuple[str, click.Command]] = [("", main)]
    while waiting:
        name, command = waiting.pop()
        if isinstance(command, click.Group):
            waiting += [(f"{name} {word}".strip(), c) for word, c in children(command).items()]
        else:
            found[name] = command
    return found


def own_options(command: click.Command) -> list[click.Option]:
    """Return a command's options but the global ones."""
    everywhere = {option.name for option in main.params}
    options = [option for option in command.params if isinstance(option, click.Option)]
    return [option for option in options if option.expose_value and option.name not in everywhere]


def check_command_line(words: list[str]) -> None:
    """Have the words parsed by the commands that they name; nothing is run.

    Raises:
        click.UsageError: An option, or the number of arguments, is wrong.
    """
    command: click.Command = main
    context = click.Context(main, info_name="etcsync", **main.context_settings)
    rest = list(words)
    while isinstance(command, click.Group):
        assert rest, "a command is missing"
        word = rest.pop(0)
        options = {name: o for o in command.get_params(context) for name in o.opts}
        if word in options:
            option = options[word]
            assert isinstance(option, click.Option)
            if not (option.is_flag or option.count):
                rest.pop(0)
            continue
        assert word in children(command), f"there is no command {word}"
        command = children(command)[word]
        if isinstance(command, click.Group):
            context = click.Context(command, parent=context, info_name=word)
    command.make_context(command.name, rest, parent=context)


@of_each_page
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for target in LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        place = page.parent / path if path else page
        assert place.exists(), target
        if anchor:
            assert anchor in anchors(place), target


@of_each_page
def test_every_command_line_is_one_that_etcsync_understands(page: Path) -> None:
    for words in command_lines(page):
        try:
            check_command_line(words)
        except (AssertionError, click.UsageError) as error:
            pytest.fail(f"etcsync {shlex.join(words)}: {error}")


def test_the_check_of_command_lines_finds_what_is_wrong() -> None:
    assert list(split_commands(shell_words("a b>c && etcsync x | d"))) == [
        ["a", "b"], ["etcsync", "x"], ["d"],
    ]  # fmt: skip
    check_command_line(["--config", "x", "client", "add", "client6", "--label", "a", "--json"])
    check_command_line(["git", "client0", "--", "log", "-p", "--", "motd"])
    for wrong in (["sync", "--frce"], ["frobnicate"], ["diff"], ["client", "list", "surplus"]):
        with pytest.raises((AssertionError, click.UsageError)):
            check_command_line(wrong)


@of_each_page
def test_every_document_shown_is_one(page: Path) -> None:
    for _, text in blocks(page, "json"):
        json.loads(text)
    for _, text in blocks(page, "toml"):
        tomllib.loads(text)


def test_the_reference_has_every_command_with_its_options_and_no_other() -> None:
    _, *sections = re.split(r"^### etcsync (.*)$", COMMANDS.read_text(), flags=re.MULTILINE)
    described = dict(zip(sections[::2], sections[1::2], strict=True))
    assert described.keys() == leaves().keys()
    for name, command in leaves().items():
        rows = dict(OPTION_ROW.findall(described[name]))
        assert rows == {option.opts[0]: option.help for option in own_options(command)}, name


def test_the_reference_has_every_global_option() -> None:
    section = COMMANDS.read_text().partition("## Global options")[2].partition("## Setting up")[0]
    context = click.Context(main, **main.context_settings)
    for option in main.get_params(context):
        for name in option.opts:
            assert f"`{name}" in section


def test_the_manual_page_has_every_command_with_its_options() -> None:
    text = MAN_PAGE.read_text()
    for name, command in leaves().items():
        entries = re.findall(rf"^\.It Nm Cm {name}\b.*$", text, re.MULTILINE)
        assert entries, name
        for option in own_options(command):
            assert f"Fl {option.opts[0][1:]}" in entries[0], name
    context = click.Context(main, **main.context_settings)
    for option in main.get_params(context):
        for opt in option.opts:
            assert re.search(rf"Fl {opt[1:]}\b", text), opt


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
def test_the_manual_page_renders_without_warnings() -> None:
    done = subprocess.run(
        ["groff", "-mdoc", "-ww", "-z", MAN_PAGE], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""


def test_the_bounds_of_dependencies_are_those_of_the_package() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["notify"]
    text = (ROOT / "docs/explanation/dependencies.md").read_text()
    rows = re.findall(r"^\| \[([\w-]+)\]\(.*?\) \| `(.*?)` \|", text, re.MULTILINE)
    assert {name.lower() + bounds for name, bounds in rows} == set(wanted)
