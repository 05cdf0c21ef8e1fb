"""How a text is set: its blocks, and that each shown character keeps its place in the document."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.types import Heading, Span
from qa.web.pages.layout_blocks import LaidOut, Run
from qa.web.pages.text_layout import lay_out

KINDS = ["text/plain", "text/markdown", "text/html", "application/pdf"]
TEXTS = st.one_of(
    st.text(alphabet="ab 12.\t\r\n#|\\-*_`[]()<>!•~=:😀中\0", max_size=200),
    st.lists(
        st.sampled_from(
            [
                *(
                    "word",
                    "中文",
                    " ",
                    "  ",
                    "\n",
                    "\r\n",
                    "\r",
                    "\n\n",
                    "• ",
                    "- ",
                    "1. ",
                    "# ",
                    "> ",
                    "    ",
                ),
                *("**", "*", "_", "`", "```", "[a](b)", "![", "](", "a | b", "| a | b |", "|---|---|", "\\|"),
                *("long words that fill a line of text up to its end", "<b>", "know-", "\u00ad"),
            ]
        ),
        max_size=60,
    ).map("".join),
)


def runs_of(block: LaidOut) -> list[Run]:
    return [*block.runs, *(run for row in block.rows for cell in row for run in cell)]


def shown(block: LaidOut) -> str:
    return "".join(run.text for run in block.runs)


def cells(block: LaidOut) -> list[list[str]]:
    return [["".join(run.text for run in cell) for cell in row] for row in block.rows]


def blocks_of(text: str, media_type: str = "text/plain", headings: tuple[Heading, ...] = ()) -> list[LaidOut]:
    return list(lay_out(text, Span(0, len(text)), headings, media_type))


@given(TEXTS, st.sampled_from(KINDS), st.data())
def test_blocks_cover_the_text_in_order_and_runs_are_the_text(
    text: str, kind: str, data: st.DataObject
) -> None:
    ends = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=6)))
    headings = tuple(Heading(Span(a, b), 1) for a, b in zip(ends[::2], ends[1::2], strict=False))
    start, end = sorted(data.draw(st.tuples(st.integers(0, len(text)), st.integers(0, len(text)))))
    position = start
    for block in lay_out(text, Span(start, end), headings, kind):
        assert position <= block.span.start <= block.span.end <= end
        position = block.span.start
        for run in runs_of(block):
            assert run.text
            assert position <= run.start
            assert run.end <= block.span.end
            for place, character in enumerate(run.text, run.start):
                if text[place] in "\r\n":
                    assert character in " \n"
                else:
                    assert character == text[place].replace("\0", "\ufffd")
            position = run.end
        position = block.span.end


SIGNS = {"text/markdown": set("#|\\-*_`[]()<>!~=:+")}


@given(TEXTS, st.sampled_from(KINDS))
def test_only_separators_are_not_shown(text: str, kind: str) -> None:
    places: set[int] = set()
    for block in blocks_of(text, kind):
        for run in runs_of(block):
            places.update(range(run.start, run.end))
    hidden = {character for place, character in enumerate(text) if place not in places}
    links = {"b", "a"} if kind == "text/markdown" else set()  # the targets of links
    separators = set("|\\•\u00ad") | SIGNS.get(kind, set()) | links
    assert all(character.isspace() or character in separators for character in hidden)


WRAPPED = """The delegation arrived in the capital on Monday and was received by the
minister of trade, who spoke of a good year for both of the countries and
of more to come."""


@pytest.mark.parametrize("kind", ["text/plain", "application/pdf", "message/rfc822", "text/markdown"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_of_a_wrapped_paragraph_are_joined(kind: str, end: str) -> None:
    [block] = blocks_of(WRAPPED.replace("\n", end), kind)
    assert shown(block) == WRAPPED.replace("\n", " ")


def test_lines_that_were_meant_are_kept() -> None:
    address = "Ministry of Trade\n12 Norodom Boulevard\nPhnom Penh"
    assert [shown(block) for block in blocks_of(address)] == [address]
    assert [shown(block) for block in blocks_of(WRAPPED, "text/html")] == [WRAPPED]


def test_words_broken_at_line_ends_get_no_space() -> None:
    line = "The delegation arrived on Monday, and its know-"
    [block] = blocks_of(f"{line}\nledge of the matter was welcomed by the\nminister.")
    assert "know-ledge of" in shown(block)
    chinese = "柬埔寨王国政府和俄罗斯联邦政府关于贸易和经济合作的联合委员会第十一次会议在金边举行了"
    [block] = blocks_of(f"{chinese}\n{chinese}", "application/pdf")
    assert shown(block) == chinese * 2


def test_a_list_is_items_and_bullets_are_not_text() -> None:
    text = "It provides for:\n\n• between the two parliaments;\n• between parties.\n\n1. One\n2. Two"
    blocks = blocks_of(text, "text/html")
    assert [(block.kind, shown(block), block.numbered) for block in blocks] == [
        ("paragraph", "It provides for:", False),
        ("item", "between the two parliaments;", False),
        ("item", "between parties.", False),
        ("item", "1. One", True),
        ("item", "2. Two", True),
    ]


def test_a_number_inside_a_wrapped_paragraph_begins_no_item() -> None:
    text = "The article was last changed by the decree of the government no.\n12. It stays in force."
    assert [block.kind for block in blocks_of(text)] == ["paragraph"]


def test_rows_of_a_table_are_cells() -> None:
    text = "Area | Named by\nEconomy | Trade \\| investment\nSociety | "
    blocks = list(lay_out(text, Span(0, len(text)), (), "text/html", lambda _: "Area | Named by"))
    assert [(block.kind, block.header_rows, cells(block)) for block in blocks] == [
        ("table", 1, [["Area", "Named by"], ["Economy", "Trade | investment"], ["Society", ""]])
    ]


def test_columns_aligned_by_spaces_keep_them() -> None:
    text = "Port      Berths\nLeith     12"
    assert [(block.kind, shown(block)) for block in blocks_of(text)] == [("code", text)]


def test_headings_count_from_one_without_gaps() -> None:
    text = "A\n\nB\n\nC"
    headings = (Heading(Span(0, 1), 2), Heading(Span(3, 4), 5), Heading(Span(6, 7), 2))
    assert [block.level for block in blocks_of(text, headings=headings)] == [1, 2, 1]
