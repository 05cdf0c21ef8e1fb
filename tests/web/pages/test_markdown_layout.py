"""How Markdown is set: without its signs, and with nothing of its markup."""

from __future__ import annotations

import pytest

from qa.types import Heading, Span
from qa.web.pages.text_layout import lay_out
from web.pages.test_text_layout import blocks_of, cells, shown

KIND = "text/markdown"


def styled(text: str) -> list[tuple[str, str]]:
    return [(run.text, run.style) for block in blocks_of(text, KIND) for run in block.runs]


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("It **grew** fast", [("It ", ""), ("grew", "strong"), (" fast", "")]),
        ("It *grew* by `x_1`", [("It ", ""), ("grew", "em"), (" by ", ""), ("x_1", "code")]),
        ("_grew_ and snake_case_name", [("grew", "em"), (" and snake_case_name", "")]),
        ("2 * 3 * 4", [("2 * 3 * 4", "")]),
        ("***both***", [("both", "em")]),
        ("[the *note*](http://x.example/a_(b)) here", [("the ", ""), ("note", "em"), (" here", "")]),
        ("![a picture](p.png) [text][ref]", [("a picture", ""), (" ", ""), ("text", "")]),
        ("<https://x.example> \\*no\\*", [("https://x.example", ""), (" ", ""), ("*no", ""), ("*", "")]),
        ("[not a link] and a ` alone **", [("[not a link] and a ` alone **", "")]),
        ("one\ntwo  \nthree\\\nfour", [("one two", ""), ("\nthree", ""), ("\nfour", "")]),
    ],
)
def test_signs_are_not_shown(text: str, runs: list[tuple[str, str]]) -> None:
    assert styled(text) == runs


def test_blocks() -> None:
    text = (
        "Intro\nruns on.\n\n> Said he,\n> twice.\n\n- one\n  goes on\n  - inner\n3. three\n\n"
        "```python\nx = '**'\n\ny\n```\n\n    indented\n\n***\n\nlast"
    )
    blocks = blocks_of(text, KIND)
    assert [(block.kind, shown(block), block.level) for block in blocks] == [
        ("paragraph", "Intro runs on.", 0),
        ("quote", "Said he, twice.", 0),
        ("item", "one goes on", 0),
        ("item", "inner", 1),
        ("item", "3. three", 0),
        ("code", "x = '**'\n\ny", 0),
        ("code", "    indented", 0),
        ("paragraph", "last", 0),
    ]


def test_a_heading_has_neither_its_signs_nor_an_underline() -> None:
    text = "## The *rice* ##\n\nText.\n\nTrade\n=====\n\nMore."
    headings = (Heading(Span(3, 13), 2), Heading(Span(25, 30), 1))
    blocks = list(lay_out(text, Span(0, len(text)), headings, KIND))
    assert [(block.kind, shown(block)) for block in blocks] == [
        ("heading", "The rice"),
        ("paragraph", "Text."),
        ("heading", "Trade"),
        ("paragraph", "More."),
    ]


def test_a_table() -> None:
    text = "| Port | Berths |\n|:-----|------:|\n| **Leith** | 12 |\n| a \\| b |\nend"
    table, paragraph = blocks_of(text, KIND)
    assert (table.kind, table.header_rows) == ("table", 1)
    assert cells(table)[0] == ["Port", "Berths"]
    assert cells(table)[1] == ["Leith", "12"]
    assert cells(table)[2] == ["a | b", ""]
    assert shown(paragraph) == "end"


def test_markup_is_text() -> None:
    text = "<script>alert(1)</script> [x](javascript:alert(1)) <img src=x onerror=alert(1)>"
    shown_text = "".join(run for run, _ in styled(text))
    assert shown_text == "<script>alert(1)</script> x <img src=x onerror=alert(1)>"


@pytest.mark.parametrize(
    "sign", ["*a ", "**a ", "_a ", "`", "[", "[a](", "![", "\\", "<http://", "> ", "*", "[*a"]
)
def test_hostile_signs_are_shown_whole(sign: str) -> None:
    text = sign * 3000
    [block] = blocks_of(f"x{text}x", KIND)
    assert shown(block).startswith("x")
    assert shown(block).endswith("x")
