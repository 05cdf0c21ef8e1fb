"""Passages: properties that hold for any text, and the results for usual ones."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import pytest
from fake_encoder import count_tokens
from hypothesis import given
from hypothesis import strategies as st

from qa.errors import ReadError
from qa.readers.grid import Cell, lay_out
from qa.text.segmentation import sentences
from qa.text.segmentation.headings import MAX_SECTION_LENGTH
from qa.text.segmentation.paragraphs import FRAGMENT_LENGTH
from qa.text.segmentation.passages import LONGEST_PASSAGE, context, split_passages
from qa.text.terms import count_words
from qa.types import Heading, Metadata, PassageSpan, Reading, Span

_FRAGMENTS = st.one_of(
    st.text(max_size=30),
    st.text(alphabet=" \t\n\r\f\v\0\x1c\x85\u00a0\u2028\u200b", max_size=6),
    st.sampled_from(
        [
            *("\n", "\n\n", "\r\n", "\r\n\r\n", "\r", "\f", " ", ". ", ": ", "| a | b |\n", "\t", "- item\n"),
            *(
                "1. One\n",
                "== Heading ==\n\n",
                "A Title\n\n",
                "Dr. Smith went home. ",
                "Он ушёл в 5 ч. утра. ",
            ),
            *(
                "ประเทศไทยมีประชากร",
                "柬埔寨王国。金边是首都。",
                "កម្ពុជា។",
                "😀👩‍👩‍👧",
                "e\u0301\u0301",
                "word " * 40,
            ),
            *("x" * 300, "_" * 20, "= = =", "٣٤٥", "ǅ", "½"),
        ]
    ),
)
_TEXTS = st.lists(_FRAGMENTS, max_size=25).map("".join)
_CELLS = st.one_of(
    st.sampled_from(["", "1900", "-", "Wick | Thurso", "word " * 40]), st.text("ab 1é|", max_size=9)
)
_ROWS = st.lists(st.lists(_CELLS, max_size=4), max_size=30)


@st.composite
def readings(draw: st.DrawFn) -> Reading:
    """Any text, with any tables, headings and pages."""
    text, tables = "", []
    for before, rows, header_rows in draw(st.lists(st.tuples(_TEXTS, _ROWS, st.integers(0, 2)), max_size=3)):
        text += before
        grid = lay_out([map(Cell, row) for row in rows], header_rows=header_rows)
        if grid.rows:
            text = f"{text}\n\n"
            tables.append(grid.table(len(text)))
            text += grid.text + draw(st.sampled_from(["", "\n", "\n\n"]))
    text += draw(_TEXTS)
    offsets = st.integers(0, len(text))
    edges = sorted(draw(st.sets(offsets, max_size=10)))
    marked = draw(st.booleans())
    headings = tuple(
        Heading(Span(start, end), draw(st.integers(0, 4))) for start, end in list(pairwise(edges))[::2]
    )
    starts = sorted(draw(st.sets(offsets, max_size=4)))
    pages = tuple(Span(*pair) for pair in pairwise([*starts, len(text)]))
    found = headings if marked else None
    return Reading(text, "text/plain", headings=found, pages=pages, tables=tuple(tables))


def _split(reading: Reading | str, max_tokens: int = 120) -> list[PassageSpan]:
    if isinstance(reading, str):
        reading = Reading(reading, "text/plain")
    return split_passages(reading, count_tokens=count_tokens, max_tokens=max_tokens, language=lambda _: "en")


def _texts(reading: Reading | str, max_tokens: int = 120) -> list[str]:
    text = reading if isinstance(reading, str) else reading.text
    return [passage.span.slice(text) for passage in _split(reading, max_tokens)]


def _prose(sentence: str, length: int = FRAGMENT_LENGTH) -> str:
    """Repeat a sentence until it is no fragment any more."""
    return " ".join([sentence] * (length // len(sentence) + 1))


@given(readings(), st.integers(1, 40))
def test_passages_are_ordered_and_do_not_overlap(reading: Reading, max_tokens: int) -> None:
    end = 0
    for passage in _split(reading, max_tokens):
        lead = [span for span in passage.lead if span != passage.header]
        for span in (*lead, passage.span):
            assert end <= span.start < span.end <= len(reading.text)
            end = span.end
        if passage.header:  # stands above every passage of its table
            assert passage.lead[-1] == passage.header
            assert passage.header.end <= passage.span.start
        part = passage.span.slice(reading.text)
        assert len(part) == passage.span.end - passage.span.start
        assert part == part.strip()


@given(readings(), st.integers(1, 40))
def test_every_letter_is_in_a_passage_or_its_lead(reading: Reading, max_tokens: int) -> None:
    reached: set[int] = set()
    for passage in _split(reading, max_tokens):
        for span in (*passage.lead, passage.span):
            reached.update(range(*span))
    assert [
        (i, letter) for i, letter in enumerate(reading.text) if letter.isalnum() and i not in reached
    ] == []


@given(readings(), st.integers(1, 40))
def test_sentences_are_ordered_and_hold_every_letter_of_their_passage(
    reading: Reading, max_tokens: int
) -> None:
    for passage in _split(reading, max_tokens):
        assert passage.sentences
        end = passage.span.start
        held: set[int] = set()
        for sentence in passage.sentences:
            assert end <= sentence.start < sentence.end <= passage.span.end
            end = sentence.end
            held.update(range(*sentence))
        assert all(i in held for i in range(*passage.span) if reading.text[i].isalnum())


@given(readings(), st.integers(1, 40))
def test_no_passage_is_longer_than_the_model_reads(reading: Reading, max_tokens: int) -> None:
    assert max(count_tokens(_texts(reading, max_tokens)), default=0) <= max_tokens


@given(readings(), st.integers(1, 40))
def test_no_passage_crosses_a_page(reading: Reading, max_tokens: int) -> None:
    for passage in _split(reading, max_tokens):
        if not reading.pages:
            assert passage.page is None
            continue
        begun = [page.start for page in reading.pages if page.start <= passage.span.start]
        assert passage.page == max(1, len(begun))
        assert not any(passage.span.start < page.start < passage.span.end for page in reading.pages[1:])


@given(_TEXTS)
def test_the_same_text_gives_the_same_passages(text: str) -> None:
    assert _split(text) == _split(text)


def test_a_blank_text_has_no_passages() -> None:
    assert _split("") == _split(" \r\n\f\0 ") == _split("***\n\n---\n") == []


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_of_any_kind_mean_the_same(end: str) -> None:
    line = "This line was wrapped by hand at about eighty characters, as it used to be done"
    paragraph = end.join([line] * 4) + "."
    assert _texts(paragraph + end * 2 + paragraph + end) == [paragraph] * 2


@pytest.mark.parametrize("blank", [" " * 200_000, "\n" * 200_000, "a \n" * 50_000, "word\t" * 50_000])
def test_odd_whitespace_does_not_slow_it_down(blank: str) -> None:
    started = time.process_time()
    _split(f"a{blank}b")
    assert time.process_time() - started < 5


def test_headings_by_look_name_the_section_and_travel_as_lead() -> None:
    paragraphs = [
        "Trade",
        _prose("Rice was sold."),
        _prose("Fish was not."),
        "Culture",
        _prose("They danced."),
    ]
    text = "\n\n".join(paragraphs)
    first, second, third = _split(text)
    assert [first.section, second.section, third.section] == ["Trade", "Trade", "Culture"]
    assert [[span.slice(text) for span in passage.lead] for passage in (first, second, third)] == [
        ["Trade"], [], ["Culture"],
    ]  # fmt: skip


def test_marked_headings_nest() -> None:
    one, two, three = _prose("First of all."), _prose("The second."), _prose("The third.")
    text, headings = "", []
    for part, level in (("A", 1), ("B", 2), (one, 0), ("C", 2), (two, 0), ("D", 1), (three, 0)):
        if level:
            headings.append(Heading(Span(len(text), len(text) + len(part)), level))
        text += part + "\n\n"
    passages = _split(Reading(text, "text/html", headings=tuple(headings)))
    assert [passage.section for passage in passages] == ["A › B", "A › C", "D"]


def test_the_documents_title_is_no_section() -> None:
    text = f"Annual report\n\n{_prose('Rice was sold.')}"
    heading = Heading(Span(0, len("Annual report")), 1)
    reading = Reading(text, "text/html", Metadata(title="Annual report"), (heading,))
    assert _split(reading)[0].section is None


def test_front_matter_is_searched_but_names_no_section() -> None:
    text = f"---\nfoo: bar\n---\n\n{_prose('Rice was sold.')}"
    reading = Reading(text, "text/markdown", headings=(Heading(Span(0, 16), 0),))
    (passage,) = _split(reading)
    assert passage.section is None
    assert "foo: bar" in passage.lead[0].slice(text)


def test_a_heading_that_nothing_follows_is_a_passage() -> None:
    prose = _prose("Rice was sold.")
    assert _texts(f"{prose}\n\nThe end") == [f"{prose}\n\nThe end"]
    assert _texts("Only a title") == ["Only a title"]


def test_a_long_row_of_short_lines_is_a_list_not_headings() -> None:
    lines = ["Rice", "Fish", "Shoes", "Clothes", "Rubber"]
    (passage,) = _split("\n\n".join(lines) + "\n\n" + _prose("All this was sold."))
    assert passage.lead == ()
    assert passage.section is None


def test_wiki_headings() -> None:
    city, temples = _prose("It was once a city."), _prose("Many are still standing.")
    text = f" = Angkor = \n\n{city}\n\n = = Temples = = \n\n{temples}"
    assert [passage.section for passage in _split(text)] == ["Angkor", "Angkor › Temples"]


def test_fragments_join_what_follows_and_the_last_what_precedes() -> None:
    prose = _prose("Rice was sold in the port.")
    text = f"HANOI, July 3. /TASS/.\n\n{prose}\n\n{prose}\n\nThe end."
    assert _texts(text) == [f"HANOI, July 3. /TASS/.\n\n{prose}", f"{prose}\n\nThe end."]


def test_a_paragraph_that_ends_in_a_colon_joins_its_list() -> None:
    before = _prose("Rice was sold in the port.") + " They named these:"
    items = "- rice from the north, which is grown on the high plains\n- fish"
    assert _texts(f"{before}\n\n{items}", max_tokens=120) == [f"{before}\n\n{items}"]


@pytest.mark.parametrize(
    "sentence",
    [
        "大米在港口出售，价格每年都在上涨。",
        "米は港で売られ、値段は毎年上がっている。",
        "쌀은 항구에서 팔리며 값은 해마다 오른다. ",
    ],
)
def test_paragraphs_of_wide_characters_stand_alone(sentence: str) -> None:
    paragraphs = [(sentence * 6).strip()] * 3
    assert all(len(paragraph) < FRAGMENT_LENGTH for paragraph in paragraphs)
    assert _texts("\n\n".join(paragraphs), max_tokens=300) == paragraphs


@pytest.mark.parametrize("colon", [":", "：", "៖"])
def test_a_colon_of_any_script_joins_a_list(colon: str) -> None:
    text = f"{_prose('Rice was sold.')} They named{colon}\n\n- rice from the north\n- fish"
    assert _texts(text, max_tokens=120) == [text]


@given(st.integers(500, 10_000))
def test_passages_do_not_grow_with_what_the_model_reads(max_tokens: int) -> None:
    text = " ".join(f"This is sentence number {i} of them." for i in range(200))
    parts = _texts(text, max_tokens)
    assert max(map(count_words, parts)) <= LONGEST_PASSAGE
    assert min(map(count_words, parts)) > LONGEST_PASSAGE / 2


def test_fragments_do_not_join_across_pages() -> None:
    text = "A short line.\fAnother short line."
    pages = (Span(0, 14), Span(14, len(text)))
    passages = _split(Reading(text, "application/pdf", pages=pages))
    assert [(passage.span.slice(text), passage.page) for passage in passages] == [
        ("A short line.", 1), ("Another short line.", 2),
    ]  # fmt: skip


def test_long_paragraphs_are_split_evenly_at_sentence_ends() -> None:
    text = " ".join(f"This is sentence number {i} of them." for i in range(30))
    parts = _texts(text, max_tokens=60)
    sizes = count_tokens(parts)
    assert all(part.endswith("of them.") for part in parts)
    per_sentence = count_tokens(["This is sentence number 1 of them."])[0]
    assert len(parts) == -(-30 // (60 // per_sentence))
    assert max(sizes) - min(sizes) <= per_sentence


def test_a_sentence_longer_than_the_model_reads_is_split_at_words() -> None:
    text = " ".join(f"word{i}" for i in range(150))
    assert " ".join(_texts(text, max_tokens=60)) == text


def test_each_passage_has_its_own_language() -> None:
    english, russian = _prose("Rice was sold in the port."), _prose("Рис продавали в порту.")

    def language(text: str) -> str:
        return "ru" if "Рис" in text else "en"

    reading = Reading(f"{english}\n\n{russian}\n\n{english}", "text/plain")
    passages = split_passages(reading, count_tokens=count_tokens, max_tokens=120, language=language)
    assert [passage.language for passage in passages] == ["en", "ru", "en"]


_HOSTILE = [
    *(
        '"a ',
        "“a ",
        "„a ",
        "«a ",
        "'",
        "‘a ",
        "''a ",
        "``a ",
        "「あ。",
        "《a ",
        "(a ",
        "[a. ",
        "a``",
        "Dr. ",
        "1. ",
    ),
    *(
        "a.",
        "A. ",
        "a@b.",
        ". ",
        "! ",
        "…",
        "a\n",
        "a \n",
        "- a\n",
        "a|b\n",
        "=",
        "= ",
        "x",
        "中",
        "'a' ",
        "a) ",
    ),
]


def test_time_grows_with_the_text_and_no_faster() -> None:
    def seconds(text: str) -> float:
        started = time.process_time()
        split_passages(
            Reading(text, "text/plain"), count_tokens=count_tokens, max_tokens=120, language=lambda _: "en"
        )
        return time.process_time() - started

    for unit in _HOSTILE:
        short, long = (f"A title\n\n{unit * (length // len(unit))}" for length in (6_000, 48_000))
        # A square would take 64 times as long; the machine may be busy, so the best of some tries counts.
        assert any(seconds(long) < max(0.3, 24 * seconds(short)) for _ in range(4)), unit


def test_splitting_can_be_stopped_at_any_step() -> None:
    class TooLongError(Exception):
        pass

    text = _prose("It goes on.", 50_000)
    for most in (1, 5, 50):
        calls = itertools.count(1)

        def check(calls: Iterator[int] = calls, most: int = most) -> None:
            if next(calls) > most:
                raise TooLongError

        with pytest.raises(TooLongError):
            split_passages(
                Reading(text, "text/plain"),
                count_tokens=count_tokens,
                max_tokens=60,
                language=str,
                check=check,
            )


def test_the_length_of_a_section_name_is_bounded() -> None:
    names = [f"{level} {'name ' * 50}".strip() for level in range(1, 6)]
    text = "\n\n".join([*names, _prose("It is said here.")])
    headings = tuple(
        Heading(Span(text.index(name), text.index(name) + len(name)), level)
        for level, name in enumerate(names, start=1)
    )
    (passage,) = split_passages(
        Reading(text, "text/plain", headings=headings),
        count_tokens=count_tokens,
        max_tokens=120,
        language=str,
    )
    assert passage.section == " › ".join(["…", *names[-2:]])
    assert [span.slice(text) for span in passage.lead] == names

    (alone,) = split_passages(
        Reading(f"{'x' * 1000}\n\n{_prose('It is.')}", "text/plain", headings=(Heading(Span(0, 1000), 1),)),
        count_tokens=count_tokens, max_tokens=300, language=str,
    )  # fmt: skip
    assert alone.section is not None
    assert len(alone.section) == MAX_SECTION_LENGTH
    assert set(alone.section) == {"…", " ", "x"}


def test_a_document_with_too_many_sentences_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sentences, "MAX_SENTENCES", 100)
    assert _split("It is so. " * 100)
    with pytest.raises(ReadError, match="has more than 100 sentences: split it"):
        _split("It is so. " * 101)
    with pytest.raises(ReadError, match="has more than 100 sentences: split it"):
        _split("It is so. It is so.\n\n" * 51)


def test_the_context_is_the_title_and_the_section_unless_the_title_is_the_file_name() -> None:
    titled = Metadata(title="Annual report", found={"title": "text"})
    assert context(titled, "Trade › Rice") == "Annual report. Rice. Trade"
    assert context(titled, None) == context(titled, "Annual report") == "Annual report"
    assert context(Metadata(title="report 2018", found={"title": "filename"}), "Trade") == "Trade"
    assert context(Metadata(), None) == ""


def test_the_context_of_a_table_begins_with_its_heading_and_its_columns() -> None:
    titled = Metadata(title="Annual report", found={"title": "text"})
    assert context(titled, "Trade › Rice › Exports", " | Tons\nPort | 1900") == (
        "Exports. Tons Port 1900. Annual report. Trade › Rice"
    )
    assert len(context(Metadata(), None, "Port " * 9_000)) <= MAX_SECTION_LENGTH


_HARBOURS = [["Harbour", "1900", "1950"], *([f"Harbour {i}", f"{i}00", f"{i}50"] for i in range(1, 26))]


def _with_table(rows: list[list[str]], before: str = "", after: str = "", header_rows: int = 1) -> Reading:
    grid = lay_out([map(Cell, row) for row in rows], header_rows=header_rows)
    start = before and f"{before}\n\n"
    return Reading(f"{start}{grid.text}\n\n{after}", "text/plain", tables=(grid.table(len(start)),))


def test_a_table_is_split_between_rows_evenly_each_part_with_the_header() -> None:
    reading = _with_table(_HARBOURS, before=_prose("Rice was sold."), after="It is so.")
    _, *parts, last = _split(reading, max_tokens=500)
    assert last.span.slice(reading.text) == "It is so."
    assert [len(part.sentences) for part in parts] == [9, 9, 7]
    for part in parts:
        assert part.header is not None
        assert part.header.slice(reading.text) == "Harbour | 1900 | 1950"
        assert part.lead[-1] == part.header
    rows = [row.slice(reading.text) for part in parts for row in part.sentences]
    assert rows == [" | ".join(row) for row in _HARBOURS[1:]]


def test_a_table_is_split_where_the_model_can_read_no_more() -> None:
    reading = _with_table(_HARBOURS)
    parts = _split(reading, max_tokens=20)  # a row takes six
    assert {len(part.sentences) for part in parts} == {1, 3}
    assert all(part.span.slice(reading.text).count("\n") <= 2 for part in parts)


def test_a_row_longer_than_the_model_reads_is_split_with_the_header_above_each_part() -> None:
    reading = _with_table([["Name", "About"], ["Leith", "port " * 60], ["Wick", "small"]])
    *parts, last = _split(reading, max_tokens=25)
    assert len(parts) == 3
    assert last.span.slice(reading.text) == "Wick | small"
    assert {part.header and part.header.slice(reading.text) for part in (*parts, last)} == {"Name | About"}


def test_prose_in_cells_is_split_into_sentences() -> None:
    reading = _with_table([[_prose("Rice was sold.", 600), "so"]], header_rows=0)
    (passage,) = _split(reading, max_tokens=300)
    assert len(passage.sentences) > 40


def test_a_short_paragraph_joins_the_table_that_it_introduces() -> None:
    reading = _with_table(_HARBOURS, before="The tons were:")
    first, second, _ = _split(reading, max_tokens=500)
    assert first.span.slice(reading.text).startswith("The tons were:\n\nHarbour | 1900 | 1950\nHarbour 1 |")
    assert first.sentences[0].slice(reading.text) == "The tons were:\n\nHarbour | 1900 | 1950"
    assert first.sentences[1].slice(reading.text) == "Harbour 1 | 100 | 150"
    assert (first.header, first.lead) == (None, ())
    assert second.header is not None


def test_a_table_of_only_a_header_and_rows_without_letters_are_not_lost() -> None:
    reading = _with_table([["Name", "About"]])
    assert [part.span.slice(reading.text) for part in _split(reading)] == ["Name | About"]
    reading = _with_table([["Name", "About"], ["-", "-"], ["Wick", ""]])
    (part,) = _split(reading)
    assert part.span.slice(reading.text) == "Wick |"


def test_a_heading_before_a_table_names_its_section() -> None:
    before = f"{_prose('Rice was sold.')}\n\nTonnage"
    reading = _with_table(_HARBOURS[:4], before=before)
    _, part = _split(reading, max_tokens=500)
    assert part.section == "Tonnage"
    assert [span.slice(reading.text) for span in part.lead] == ["Tonnage", "Harbour | 1900 | 1950"]


def test_a_table_over_two_pages_keeps_its_header() -> None:
    reading = _with_table(_HARBOURS[:5])
    second = reading.text.index("Harbour 3")
    pages = (Span(0, second), Span(second, len(reading.text)))
    parts = _split(replace(reading, pages=pages), max_tokens=500)
    assert [(part.page, len(part.sentences)) for part in parts] == [(1, 2), (2, 2)]
    assert parts[0].header == parts[1].header is not None
