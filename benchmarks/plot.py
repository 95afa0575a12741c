"""The figures as a picture: for each work, milliseconds per client as bars, on a log scale."""

import math
from html import escape
from typing import Any

WIDTH, LABELS, BAR, GAP = 960, 300, 18, 34
COLOURS = {"etcsync": "#1b7f4d", "other": "#7fbf9e", "floor": "#888888", "bare": "#888888"}


def picture(document: dict[str, Any]) -> str:
    """Return an SVG of all runs, one below the other."""
    parts: list[str] = []
    y = 20
    for run in document["runs"]:
        parts.append(_text(10, y + 10, f"{run['clients']} clients, ms per client", "bold"))
        y += GAP
        everything = [each["per_client"] for work in run["works"] for each in work["results"]]
        low = math.floor(math.log10(min(everything) * 1000))
        high = math.ceil(math.log10(max(everything) * 1000))
        for work in run["works"]:
            parts.append(_text(10, y + 12, work["title"], "bold"))
            y += BAR + 4
            for each in work["results"]:
                value = each["per_client"] * 1000
                share = (math.log10(value) - low) / max(1, high - low)
                length = max(2.0, share * (WIDTH - LABELS - 90))
                colour = COLOURS.get(each["contender"].split()[0], "#c06030")
                parts += [
                    _text(20, y + 13, each["contender"]),
                    _bar(y, length, colour),
                    _text(LABELS + length + 6, y + 13, f"{value:.2f}"),
                ]
                y += BAR
            y += 10
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y + 10}" '
        'font-family="sans-serif" font-size="12">\n'
        '<rect width="100%" height="100%" fill="white"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _text(x: float, y: float, words: str, weight: str = "normal") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-weight="{weight}">{escape(words)}</text>'


def _bar(y: float, length: float, colour: str) -> str:
    size = f'width="{length:.1f}" height="{BAR - 4}"'
    return f'<rect x="{LABELS}" y="{y}" {size} fill="{colour}"/>'
