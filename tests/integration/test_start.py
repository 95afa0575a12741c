"""What a short command loads and starts before it answers: only what it needs."""

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest
from cluster import CLEAN_ENVIRONMENT, Cluster, sample_cluster

from etcsync.cli.main import main
from etcsync.hub.git import OPTIONS

BEFORE_VERB = 1 + len(OPTIONS)
"""Words that every git process is started with."""

PROGRAM = """
import json, sys

started = []

def note(event, arguments):
    if event == "subprocess.Popen":
        started.append(list(arguments[1]))

sys.addaudithook(note)
from etcsync.cli.main import run

try:
    run()
finally:
    with open(sys.argv.pop(), "w") as file:
        json.dump({"modules": list(sys.modules), "processes": started}, file)
"""


class Start:
    """What a call of etcsync loaded and started."""

    def __init__(self, told: dict[str, list]) -> None:
        self.packages = {module.partition(".")[0] for module in told["modules"]}
        self.modules = set(told["modules"])
        self.verbs = [words[BEFORE_VERB] for words in told["processes"]]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    return sample_cluster(tmp_path_factory.mktemp("cluster"))


def start(cluster: Cluster, *arguments: str) -> Start:
    """Call etcsync in a new interpreter and look at what it came to."""
    told = cluster.place / "told.json"
    program = PROGRAM.replace("sys.argv.pop()", repr(str(told)))
    subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=CLEAN_ENVIRONMENT | {"ETCSYNC_CONFIG": str(cluster.settings)},
        cwd=Path(__file__).parents[2],
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return Start(json.loads(told.read_text()))


PROCESSES = {
    "status": ["cat-file", "status"],
    "plan": ["cat-file"],
    "sync": ["cat-file"],
}


@pytest.mark.parametrize("command", PROCESSES)
def test_nothing_to_do_takes_hardly_a_process(cluster: Cluster, command: str) -> None:
    begun = start(cluster, command)
    assert sorted(begun.verbs) == PROCESSES[command]
    assert "git" not in begun.packages


def test_nothing_that_draws_is_loaded_where_json_is_wanted(cluster: Cluster) -> None:
    assert not start(cluster, "status", "--json").packages & {"git", "rich", "structlog"}


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_help_takes_neither_settings_nor_commands(cluster: Cluster, argument: str) -> None:
    begun = start(cluster, argument)
    assert not begun.packages & {"git", "pydantic", "rich", "structlog"}
    assert not begun.verbs
    assert "etcsync.cli.status" not in begun.modules


def test_the_list_of_commands_names_those_that_there_are() -> None:
    context = click.Context(main)
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        assert command is not None
        assert command.name == name
