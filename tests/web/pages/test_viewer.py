from __future__ import annotations

import itertools
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.types import Heading, Span
from qa.web.pages.viewer import PART, Mark, marks_of, overlaid, part_of, part_start, pieces

TEXTS = st.text(alphabet="ab \t\r\n#.😀", max_size=200)


@given(TEXTS, st.data())
def test_pieces_make_up_the_text_and_are_marked_exactly(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), min_size=2, max_size=2)))
    mark = sorted(data.draw(st.lists(st.integers(0, len(text)), min_size=2, max_size=2)))
    base = data.draw(st.integers(0, cuts[0]))
    cut = pieces(text[base:], base, Span(*cuts), [Mark(Span(*mark), "passage")])
    assert "".join(piece.text for piece in cut) == text[cuts[0] : cuts[1]]
    inside = text[max(cuts[0], mark[0]) : min(cuts[1], mark[1])]
    assert "".join(piece.text for piece in cut if piece.kind) == inside


@given(TEXTS, st.data())
def test_only_whitespace_is_left_out(text: str, data: st.DataObject) -> None:
    ends = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=8)))
    headings = [Heading(Span(a, b), 1) for a, b in zip(ends[::2], ends[1::2], strict=False)]
    part = part_of(text, headings, [], [], 0)
    shown = "".join(piece.text for block in part.blocks for piece in block.pieces)
    assert "".join(shown.split()) == "".join(text.split())
    assert part.earlier is part.later is None


def test_parts_follow_each_other_without_a_gap() -> None:
    text = "\n\n".join(f"Paragraph {n}." for n in range(60_000))
    at: int | None = 0
    shown = []
    while at is not None:
        part = part_of(text, [], [], [], at)
        shown += ["".join(piece.text for piece in block.pieces) for block in part.blocks]
        at = part.later
    assert shown == text.split("\n\n")


def test_going_back_skips_nothing() -> None:
    text = "\n\n".join(f"Paragraph {n}." for n in range(60_000))
    part = part_of(text, [], [], [], part_start(text, 600_000))
    seen = {block.pieces[0].text for block in part.blocks}
    while part.earlier is not None:
        part = part_of(text, [], [], [], part.earlier)
        seen |= {block.pieces[0].text for block in part.blocks}
    assert {f"Paragraph {n}." for n in range(30_000)} <= seen


def test_a_text_without_paragraphs_is_cut_anyway() -> None:
    part = part_of("x" * 3 * PART, [], [], [], 0)
    assert len(part.blocks[0].pieces[0].text) == PART
    assert part.later == PART


def test_a_mark_is_never_cut_at_the_end_of_a_part() -> None:
    text = "x" * 5 * PART
    part = part_of(text, [], [], [Mark(Span(PART, PART + 9_000), "passage")], part_start(text, PART))
    assert [len(piece.text) for block in part.blocks for piece in block.pieces if piece.kind] == [9_000]


def test_front_matter_is_a_block_of_its_own() -> None:
    part = part_of("---\na: 1\n---\n\nText.", [Heading(Span(0, 12), 0)], [], [], 0)
    assert [block.kind for block in part.blocks] == ["matter", "paragraph"]


def test_signs_before_a_heading_are_not_a_paragraph() -> None:
    text = "## Rice\n\nText."
    part = part_of(text, [Heading(Span(3, 7), 2)], [], [], 0)
    assert [(block.kind, block.laid_out.level, block.start) for block in part.blocks] == [
        ("sign", 0, 0),
        ("heading", 1, 3),
        ("paragraph", 0, 9),
    ]


@given(st.data())
def test_marks_are_ordered_and_disjoint_and_the_passage_has_one_name(data: st.DataObject) -> None:
    a, b, c, d = sorted(data.draw(st.lists(st.integers(0, 60), min_size=4, max_size=4, unique=True)))
    sentence = data.draw(st.sampled_from([None, Span(b, c), Span(a, c), Span(a, d), Span(b, d + 5)]))
    others = [Span(start, start + 7) for start in range(0, 80, 10)]
    marks = marks_of(Span(a, d), sentence, others)
    assert all(before.span.end <= after.span.start for before, after in itertools.pairwise(marks))
    own = [mark for mark in marks if mark.kind != "other"]
    assert (own[0].span.start, own[-1].span.end) == (a, d)
    assert [mark.name for mark in own] == ["passage"] + [""] * (len(own) - 1)
    assert [m.span for m in own if m.kind == "sentence"] == (
        [sentence] if sentence and sentence.end <= d else []
    )
    assert {m.span for m in marks if m.kind == "other"} == {o for o in others if o.end <= a or o.start >= d}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_two_line_ends_of_any_kind_begin_a_paragraph_and_one_does_not(end: str) -> None:
    text = end.join(["One line", "and another.", "", "A paragraph."])
    part = part_of(text, (), (), (), 0)
    assert [block.start for block in part.blocks] == [0, text.index("A para")]


@given(st.data())
def test_marks_laid_over_others_cut_them(data: st.DataObject) -> None:
    def disjoint(kind: str) -> list[Mark]:
        ends = sorted(data.draw(st.sets(st.integers(0, 60), max_size=8)))
        return [Mark(Span(a, b), kind) for a, b in zip(ends[::2], ends[1::2], strict=False)]

    lower, upper = disjoint("other"), disjoint("match")
    both = overlaid(lower, upper)
    assert all(before.span.end <= after.span.start for before, after in itertools.pairwise(both))

    def places(marks: Iterable[Mark], kind: str) -> set[int]:
        return {place for mark in marks if mark.kind == kind for place in range(*mark.span)}

    assert places(both, "match") == places(upper, "match")
    assert places(both, "other") == places(lower, "other") - places(upper, "match")
    assert [mark for mark in both if mark.kind == "match"] == upper


def test_a_mark_that_begins_with_what_is_not_shown_keeps_its_name() -> None:
    text = "• One item here."
    part = part_of(text, [], [], [Mark(Span(0, len(text)), "passage", "passage")], 0)
    assert [(piece.text, piece.name) for block in part.blocks for piece in block.pieces] == [
        ("One item here.", "passage")
    ]
