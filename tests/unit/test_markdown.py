"""Markdown shows what clients wrote and makes nothing of it, read by a parser of CommonMark."""

import pytest
from markdown_it import MarkdownIt

from etcsync.report.escape import printable
from etcsync.report.markdown import code, fenced

TEXTS = [
    "plain",
    "`",
    "``",
    "`a``b`",
    " padded ",
    "[link](http://evil.example)",
    "<script>alert(1)</script>",
    "![image](x)",
    "*a* _b_ **c**",
    "back\\slash\\",
    "http://evil.example/",
    "line\n# heading\n",
    "a | b",
    "&lt;entity&gt;",
]


@pytest.mark.parametrize("text", TEXTS)
def test_code_within_a_line_shows_the_text_and_nothing_else(text: str) -> None:
    tokens = MarkdownIt("commonmark").parse(f"- {code(text)} on client0")
    (inline,) = [token for token in tokens if token.type == "inline"]
    assert inline.children is not None
    kinds = [child.type for child in inline.children]
    assert kinds == ["code_inline", "text"]
    assert inline.children[0].content == printable(text)


@pytest.mark.parametrize("text", ["```\n# heading", "~~~\nx", "````\n```", "    x", "</details>"])
def test_nothing_gets_out_of_a_fence(text: str) -> None:
    tokens = MarkdownIt("commonmark").parse("\n".join(fenced(text, "diff")))
    assert [(token.type, token.content) for token in tokens] == [("fence", f"{text}\n")]
