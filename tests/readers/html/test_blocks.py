"""HTML elements and the blocks that they make."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html

from qa.readers.extract import Block
from qa.readers.grid import Grid
from qa.readers.html.blocks import blocks
from qa.readers.html.elements import local_name
from qa.readers.html.walking import is_left_out, text_of


def _blocks(markup: str) -> list[tuple[str, int | None, bool]]:
    parts = blocks(html.fromstring(f"<div>{markup}</div>"))
    return [(part.text, part.level, part.tight) for part in parts if isinstance(part, Block)]


def _texts(markup: str) -> list[str]:
    return [text for text, _, _ in _blocks(markup)]


def test_paragraphs_headings_and_preformatted_text_are_blocks() -> None:
    markup = "<h2>A  title</h2><p>One<br>line.</p>Two<br><br>parts.<pre>a\n  b</pre>"
    assert _blocks(markup) == [
        ("A title", 2, False),
        ("One line.", None, False),
        ("Two", None, False),
        ("parts.", None, False),
        ("a\n  b", None, False),
    ]


def test_items_of_one_list_are_on_consecutive_lines() -> None:
    markup = "<ul><li>a<p>more</p></li><li>b</li></ul><ol><li>c</li></ol>"
    assert _blocks(markup) == [
        ("- a", None, False),
        ("more", None, False),
        ("- b", None, False),
        ("- c", None, False),
    ]
    assert _blocks("<ul><li>a</li><li>b<ul><li>c</li></ul></li></ul>") == [
        ("- a", None, False),
        ("- b", None, True),
        ("- c", None, True),
    ]


def test_a_table_of_data_is_lines_and_one_of_layout_is_paragraphs() -> None:
    row = "<tr><td>{}</td><td>2</td></tr>"
    table = f"<div><table><caption>C</caption>{row.format(1)}{row.format(3)}</table></div>"
    assert list(blocks(html.fromstring(table))) == [Block("C"), Grid((("1", "2"), ("3", "2")))]
    assert _texts(f"<table>{row.format('<h1>T</h1>')}</table>") == ["T", "2"]
    assert _texts(f"<table>{row.format('word ' * 100)}</table>") == [("word " * 100).strip(), "2"]


@pytest.mark.parametrize(
    "hidden",
    [
        "<script>x</script>",
        "<nav>x</nav>",
        "<b hidden>x</b>",
        "<b style='color:red; display : none'>x</b>",
        "<!--x-->",
    ],
)
def test_what_a_browser_hides_is_left_out_and_what_follows_stays(hidden: str) -> None:
    assert _texts(f"<p>a {hidden} b</p>") == ["a b"]
    (element,) = html.fragments_fromstring(hidden)
    assert local_name(element) == "" or is_left_out(element)


def test_a_heading_that_is_too_long_is_a_paragraph() -> None:
    assert _blocks(f"<h1>{'x' * 301}</h1>") == [("x" * 301, None, False)]


def test_nesting_takes_no_recursion() -> None:
    root = element = html.fromstring("<div>a</div>")
    for _ in range(20_000):
        child = html.Element("div")
        element.append(child)
        element = child
    element.text = "b"
    assert [block.text for block in blocks(root)] == ["a", "b"]


@given(
    st.lists(
        st.sampled_from(
            ["<p>", "</p>", "<ul>", "<li>", "</ul>", "<b>", "</b>", "<td>", "<br>", "rice ", "port "]
        )
    )
)
def test_every_word_comes_once_and_in_order(parts: list[str]) -> None:
    words = [part.strip() for part in parts if "<" not in part]
    root = html.fromstring(f"<div>{''.join(parts)}</div>")
    shown = " ".join(block.text for block in blocks(root)).replace("- ", " ").replace("|", " ")
    assert shown.replace(" ", "") == "".join(words)
    assert text_of(root).replace(" ", "") == "".join(words)
