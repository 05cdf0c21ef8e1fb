"""Sheets of answers in every format: every column kept, and nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime

import pytest
from docx import Document
from hypothesis import example, given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from qa.batch.answer_formats import FORMATS
from qa.batch.answered_rows import answered_rows
from qa.batch.cited_answers import CitedAnswer, Source
from qa.batch.question_sheet import QuestionSheet
from qa.batch.sheet_writer import COLUMNS
from qa.readers import docx

PERMALINK = "http://localhost/documents/1?start=0&end=9#passage"
SOURCE = Source("A title", "TASS", "2019-07-03", 7, PERMALINK, "MOSCOW, July 3. /TASS/")
UNDATED = Source("Another", "TASS", None, None, PERMALINK, "HANOI, July 3. /TASS/")
ANSWERED = CitedAnswer("He did.", "very likely", SOURCE, (SOURCE,) * 3, "Who did it?")
ABSENT = CitedAnswer(None, "not in these documents", None, (SOURCE,), None, "no passage passes the filters")
SHEET = QuestionSheet(
    ("id", "question", "answer"),
    (("=1+2", "Who did it", 5.0), ("2", "Why?", None), ("-3", "", "@x")),
    1,
)
ANSWERS = {"Who did it": ANSWERED, "Why?": ABSENT}


def write(suffix: str, sheet: QuestionSheet = SHEET, answers: dict[str, CitedAnswer] = ANSWERS) -> bytes:
    return b"".join(FORMATS[suffix].pieces(sheet, answered_rows(sheet, answers.items())))


def table(sheet: QuestionSheet = SHEET, answers: dict[str, CitedAnswer] = ANSWERS) -> list[list[str]]:
    return list(csv.reader(io.StringIO(write("csv", sheet, answers).decode("utf-8-sig"), newline="")))


def workbook(sheet: QuestionSheet = SHEET, answers: dict[str, CitedAnswer] = ANSWERS) -> list[list[object]]:
    file = io.BytesIO(write("xlsx", sheet, answers))
    return CalamineWorkbook.from_filelike(file).get_sheet_by_index(0).to_python()


def test_csv_has_the_columns_of_the_questions_and_then_the_answer() -> None:
    header, first, second, third = table()
    assert header == ["id", "question", "answer", "answer 2", *COLUMNS[1:]]
    assert first[:4] == ["'=1+2", "Who did it", "5", "He did."]
    assert dict(zip(header, first, strict=True))["permalink"] == SOURCE.permalink
    assert first[-3] == f"A title, TASS, 2019-07-03, p. 7 {SOURCE.permalink}"
    assert first[-2:] == ["MOSCOW, July 3. /TASS/", ""]
    assert second[3:6] == ["not in these documents", "", ""]
    assert second[-5:] == [first[-3], "", "", "", "no passage passes the filters"]
    assert third == ["-3", "", "'@x", *[""] * len(COLUMNS)]


@given(st.text(), st.text())
@example("=5", "@5")
@example("\t5", "\r5")
def test_no_cell_of_a_csv_begins_a_formula(value: str, answer: str) -> None:
    sheet = QuestionSheet((value, "question"), ((value, "Q"),), 1)
    output = b"".join(
        FORMATS["csv"].pieces(sheet, [(sheet.rows[0], CitedAnswer(answer, "possible", SOURCE, ()))])
    )
    for row in csv.reader(io.StringIO(output.decode("utf-8-sig", "replace"), newline="")):
        for cell in row:
            assert not cell.startswith(("=", "@", "\t", "\r"))
            if cell.startswith(("+", "-")):
                float(cell)


def test_a_date_is_a_full_date_and_a_dateline_stands_for_itself() -> None:
    answers = {"Who did it": replace(ANSWERED, source=UNDATED, next_sources=(UNDATED,)), "Why?": ABSENT}
    cells = dict(zip(*table(answers=answers)[:2], strict=True))
    assert (cells["date"], cells["dateline"]) == ("", "HANOI, July 3. /TASS/")
    assert cells["next source 1"] == f"Another, TASS, HANOI, July 3. /TASS/ {PERMALINK}"
    dated = dict(zip(*workbook()[:2], strict=True))
    assert dated["date"] == date(2019, 7, 3)
    undated = dict(zip(*workbook(answers=answers)[:2], strict=True))
    assert undated["date"] == ""


def test_a_workbook_keeps_dates_that_it_can_hold() -> None:
    values = (date(2024, 5, 6), datetime(2024, 5, 6, 7, 8, 9), date(1812, 9, 7))  # noqa: DTZ001
    sheet = QuestionSheet(("question", "a", "b", "c"), (("", *values),), 0)
    assert workbook(sheet)[1][1:4] == [*values[:2], "1812-09-07"]


def test_a_workbook_has_texts_numbers_and_links_but_no_formulas() -> None:
    header, first, second, third = workbook()
    assert header[3] == "answer 2"
    assert first[:4] == ["=1+2", "Who did it", 5, "He did."]
    assert second[3] == "not in these documents"
    assert third[:3] == ["-3", "", "@x"]
    with zipfile.ZipFile(io.BytesIO(write("xlsx"))) as archive:
        assert b"quotePrefix" in archive.read("xl/styles.xml")
        assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")
        links = archive.read("xl/worksheets/_rels/sheet1.xml.rels").decode()
    assert SOURCE.permalink.replace("&", "&amp;").partition("#")[0] in links


def test_a_workbook_takes_texts_that_are_too_long_for_a_cell() -> None:
    sheet = QuestionSheet(("question", "note"), (("Why?", "x" * 40_000 + "\x00"),), 0)
    (_, row) = workbook(sheet)
    assert row[1] == "x" * 32_767


def test_json_lines_keep_the_fields_and_nest_the_answer() -> None:
    lines = [json.loads(line) for line in write("jsonl").splitlines()]
    assert lines[0]["answer"] == 5.0
    assert CitedAnswer.from_dict(lines[0]["qa"]) == ANSWERED
    assert CitedAnswer.from_dict(lines[1]["qa"]) == ABSENT
    assert lines[2] == {"id": "-3", "question": "", "answer": "@x", "qa": None}


def test_a_report_reads_well_and_links_its_sources() -> None:
    data = write("docx")
    text = docx.read(data).text
    order = [
        "Who did it",
        "He did.",
        "A title, TASS, 2019-07-03, p. 7",
        "Why?",
        "Not in these documents: no passage passes the filters.",
    ]
    places = [text.index(part) for part in order]
    assert places == sorted(places)
    styles = {paragraph.text: paragraph.style.name for paragraph in Document(io.BytesIO(data)).paragraphs}
    assert styles["Who did it"] == "Heading 2"
    assert styles["He did."] == "Quote"
    assert styles["A title, TASS, 2019-07-03, p. 7"] == "List Bullet"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert SOURCE.permalink.replace("&", "&amp;") in archive.read("word/_rels/document.xml.rels").decode()


@pytest.mark.parametrize("suffix", FORMATS)
def test_no_sign_of_an_answer_breaks_a_format(suffix: str) -> None:
    answer = CitedAnswer("a\x00\x0b<&>\U0001f6f0\n", "probable", SOURCE, (), None)
    assert write(suffix, QuestionSheet(("question",), (("Q",),), 0), {"Q": answer})


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_piece_is_written_when_its_row_is_answered(suffix: str) -> None:
    asked: list[str] = []

    def answers() -> Iterator[tuple[str, CitedAnswer]]:
        for question, answer in ANSWERS.items():
            asked.append(question)
            yield question, answer

    pieces = FORMATS[suffix].pieces(SHEET, answered_rows(SHEET, answers()))
    while not asked:
        next(pieces)
    assert asked == ["Who did it"]
    assert b"".join(pieces)
    assert asked == list(ANSWERS)
