"""What was measured, as a document, as tables and against the goals."""

import os
import platform
import statistics
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from measuring import Sample

Document = dict[str, Any]

_COLUMNS = (
    "contender", "median s", "range", "ms/client", "ratio", "cpu s", "peak MiB", "written MiB",
    "tasks",
)  # fmt: skip


def result(name: str, samples: Sequence[Sample], clients: int, tasks: int | None) -> Document:
    """Return one contender's figures for one work."""
    seconds = [sample.seconds for sample in samples]
    median = statistics.median(seconds)
    return {
        "contender": name,
        "clients": clients,
        "seconds": [round(value, 5) for value in seconds],
        "median": median,
        "per_client": median / clients,
        "cpu": statistics.median(sample.cpu for sample in samples),
        "peak": max(sample.peak for sample in samples),
        "written": statistics.median(sample.written for sample in samples),
        "tasks": tasks,
    }


def machine(scratch: str) -> Document:
    """Return what a reader has to know of the machine."""
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        model = next((line.split(":")[1].strip() for line in lines if "model name" in line), "")
    with open("/proc/meminfo", encoding="utf-8") as lines:
        memory = int(next(lines).split()[1]) * 1024
    kind = _said("findmnt", "-n", "-o", "FSTYPE", "-T", scratch).partition("\n")[0]
    return {
        "processors": os.cpu_count(),
        "model": model or platform.machine(),
        "memory": memory,
        "kernel": platform.release(),
        "file_system": kind,
        "load_before": os.getloadavg(),
    }


def versions(ansible: str) -> dict[str, str]:
    """Return the versions of what is measured."""
    here = os.path.dirname(os.path.abspath(__file__))
    found = {
        "etcsync": _said("git", "-C", here, "describe", "--always", "--dirty"),
        "python": platform.python_version(),
        "git": _said("git", "--version").removeprefix("git version "),
        "mr": _said("dpkg-query", "-W", "-f", "${Version}", "myrepos"),
        "rsync": _said("rsync", "--version").split("  protocol")[0].removeprefix("rsync  version "),
        "ansible-core": _said(ansible, "--version").split("\n")[0].rstrip("]").split(" ")[-1],
    }
    return {name: version for name, version in found.items() if version}


def _said(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def size_on_disk(directory: str) -> int:
    """Return the bytes that a directory takes up, names that share a file counted once."""
    seen = {}
    for above, _, names in os.walk(directory):
        for name in (*names, "."):
            status = os.lstat(os.path.join(above, name))
            seen[status.st_ino] = status.st_blocks * 512
    return sum(seen.values())


def markdown(document: Document) -> str:
    """Return all figures as tables."""
    about, kinds = document["machine"], document["versions"]
    parts = [
        f"{about['processors']} processors ({about['model']}), "
        f"{about['memory'] / 2**30:.0f} GiB, {about['file_system']}, Linux {about['kernel']}; "
        + ", ".join(f"{name} {version}" for name, version in kinds.items()),
    ]
    parts += [f"Not measured: {name}: {why}." for name, why in document["missing"].items()]
    for run in document["runs"]:
        parts.append(f"## {run['clients']} clients\n\n{_sizes(run['sizes'])}")
        parts += [_table(work) for work in run["works"]]
        parts.append("\n".join(goals(run)))
    return "\n\n".join(part for part in parts if part) + "\n"


def _sizes(sizes: Mapping[str, float]) -> str:
    return "; ".join(f"{name}: {value / 1024:.0f} KiB" for name, value in sizes.items())


def _table(work: Document) -> str:
    first = work["results"][0]["per_client"]
    rows = [
        f"### {work['title']}",
        "",
        f"| {' | '.join(_COLUMNS)} |",
        f"|---{'|--:' * (len(_COLUMNS) - 1)}|",
    ]
    for each in work["results"]:
        low, high = min(each["seconds"]), max(each["seconds"])
        rows.append(
            f"| {each['contender']} | {each['median']:.3f} | {low:.2f} to {high:.2f} "
            f"| {each['per_client'] * 1000:.2f} | {each['per_client'] / first:.2f} "
            f"| {each['cpu']:.2f} | {each['peak'] / 2**20:.0f} "
            f"| {each['written'] / 2**20:.1f} | {each['tasks'] or ''} |"
        )
    return "\n".join(rows)


def goals(run: Document) -> Iterable[str]:
    """Yield how far the goals are reached, one line each, as far as the figures are there."""
    medians = {
        (work["name"], each["contender"]): each["median"]
        for work in run["works"]
        for each in work["results"]
    }

    def times(work: str, one: str, other: str) -> float | None:
        pair = [
            next((m for (w, c), m in medians.items() if w == work and c.startswith(name)), None)
            for name in (one, other)
        ]
        return pair[0] / pair[1] if pair[0] is not None and pair[1] is not None else None

    lines = [
        ("fan-out of 1 file against the loop", "one-file", "loop of git pull", "etcsync", ">= 10"),
        ("the same against xargs", "one-file", "xargs", "etcsync", ">= 5"),
        ("the same, times the floor", "one-file", "etcsync", "floor", "<= 3"),
        ("--quick against the loop", "one-file", "loop of git pull", "etcsync --quick", ">= 10"),
        ("--quick against xargs", "one-file", "xargs", "etcsync --quick", ">= 5"),
        ("--quick, times the floor", "one-file", "etcsync --quick", "floor", "<= 3"),
        ("merges against the loop", "merge", "loop of git pull", "etcsync", ">= 5"),
        ("scan against git status", "scan", "loop of git status", "etcsync status", ">= 4"),
        ("scan, times the bare walk", "scan", "etcsync status", "bare walk", "<= 2"),
    ]
    for title, work, one, other, goal in lines:
        ratio = times(work, one, other)
        if ratio is not None:
            yield f"- {title}: {ratio:.1f} (goal {goal})"
    scan, idle = medians.get(("scan", "etcsync status")), medians.get(("scan", "etcsync sync"))
    if scan is not None and idle is not None:
        yield f"- sync with nothing to do: {idle - scan:+.2f} s beyond the scan (goal <= 0.3 s)"
    peaks = [
        each["peak"]
        for work in run["works"]
        for each in work["results"]
        if each["contender"].startswith("etcsync")
    ]
    yield f"- largest process: {max(peaks, default=0) / 2**20:.0f} MiB (goal < 250 at 1,000)"
    if (start := medians.get(("start", "etcsync status"))) is not None:
        yield f"- status of 3 clients: {start:.2f} s (goal < 0.35)"
