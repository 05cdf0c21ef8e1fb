"""Sheets of answers in every format: every column kept, and nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import json
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from qa.batch.cited_answers import CitedAnswer, Source
from qa.batch.question_sheet import QuestionSheet
from qa.batch.sheet_writer import COLUMNS, to_csv, to_jsonl, to_xlsx
from qa.batch.word_report import to_docx
from qa.readers import docx

SOURCE = Source("A title", "TASS", "2019-07-03", 7, "http://localhost/documents/1?start=0&end=9#passage")
ANSWERED = CitedAnswer("He did.", "very likely", SOURCE, (SOURCE,) * 3, "Who did it?")
ABSENT = CitedAnswer(None, "not in these documents", None, (SOURCE,))
SHEET = QuestionSheet(
    ("id", "question", "answer"),
    (("=1+2", "Who did it", 5.0), ("2", "Why?", None), ("-3", "", "@x")),
    1,
)
ANSWERS = {"Who did it": ANSWERED, "Why?": ABSENT}


def test_csv_has_the_columns_of_the_questions_and_then_the_answer() -> None:
    header, first, second, third = csv.reader(io.StringIO(to_csv(SHEET, ANSWERS).decode(), newline=""))
    assert header == ["id", "question", "answer", "answer 2", *COLUMNS[1:]]
    assert first[:4] == ["'=1+2", "Who did it", "5", "He did."]
    assert dict(zip(header, first, strict=True))["permalink"] == SOURCE.permalink
    assert first[-1] == f"A title, TASS, 2019-07-03, p. 7 {SOURCE.permalink}"
    assert second[3:6] == ["not in these documents", "", ""]
    assert second[-3:] == [first[-1], "", ""]
    assert third == ["-3", "", "'@x", *[""] * len(COLUMNS)]


@given(st.text(), st.text())
def test_no_cell_of_a_csv_begins_a_formula(value: str, answer: str) -> None:
    sheet = QuestionSheet((value, "question"), ((value, "Q"),), 1)
    text = to_csv(sheet, {"Q": CitedAnswer(answer, "probable", SOURCE, ())}).decode("utf-8", "replace")
    for row in csv.reader(io.StringIO(text, newline="")):
        for cell in row:
            assert not cell.startswith(("=", "@", "\t", "\r"))
            if cell.startswith(("+", "-")):
                float(cell)


def test_a_workbook_has_texts_numbers_and_links_but_no_formulas() -> None:
    data = to_xlsx(SHEET, ANSWERS)
    header, first, second, third = (
        CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python()
    )
    assert header[3] == "answer 2"
    assert first[:4] == ["=1+2", "Who did it", 5, "He did."]
    assert second[3] == "not in these documents"
    assert third[:3] == ["-3", "", "@x"]
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")
        links = archive.read("xl/worksheets/_rels/sheet1.xml.rels").decode()
    assert SOURCE.permalink.replace("&", "&amp;").partition("#")[0] in links


def test_a_workbook_takes_texts_that_are_too_long_for_a_cell() -> None:
    sheet = QuestionSheet(("question", "note"), (("Why?", "x" * 40_000 + "\x00"),), 0)
    (_, row) = (
        CalamineWorkbook.from_filelike(io.BytesIO(to_xlsx(sheet, ANSWERS))).get_sheet_by_index(0).to_python()
    )
    assert row[1] == "x" * 32_767


def test_json_lines_keep_the_fields_and_nest_the_answer() -> None:
    lines = [json.loads(line) for line in to_jsonl(SHEET, ANSWERS).splitlines()]
    assert lines[0]["answer"] == 5.0
    assert CitedAnswer.from_dict(lines[0]["qa"]) == ANSWERED
    assert CitedAnswer.from_dict(lines[1]["qa"]) == ABSENT
    assert lines[2] == {"id": "-3", "question": "", "answer": "@x", "qa": None}


def test_a_report_reads_well_and_links_its_sources() -> None:
    data = to_docx(SHEET, ANSWERS)
    text = docx.read(data).text
    order = ["Who did it", "He did.", "A title, TASS, 2019-07-03, p. 7", "Why?", "Not in these documents."]
    places = [text.index(part) for part in order]
    assert places == sorted(places)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert SOURCE.permalink.replace("&", "&amp;") in archive.read("word/_rels/document.xml.rels").decode()


@pytest.mark.parametrize("write", [to_csv, to_xlsx, to_jsonl, to_docx])
def test_no_sign_of_an_answer_breaks_a_format(write) -> None:
    answer = CitedAnswer("a\x00\x0b<&>\U0001f6f0\n", "probable", SOURCE, (), None)
    assert write(QuestionSheet(("question",), (("Q",),), 0), {"Q": answer})
