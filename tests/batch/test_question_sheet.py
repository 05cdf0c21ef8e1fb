"""Sheets of questions in every format, and which column holds the questions."""

from __future__ import annotations

import csv
import io
import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xlsxwriter import Workbook

from qa.batch.question_sheet import read_sheet, unique
from qa.errors import QuestionsError

_CELLS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20)


def _read(data: str | bytes, name: str = "q.csv", **options):
    content = data.encode() if isinstance(data, str) else data
    return read_sheet(content, name, **{"max_question": 100} | options)


def _workbook(rows) -> bytes:
    output = io.BytesIO()
    with Workbook(output) as book:
        page = book.add_worksheet()
        for number, row in enumerate(rows):
            page.write_row(number, 0, row)
    return output.getvalue()


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_told_by_the_header(delimiter: str) -> None:
    sheet = _read(f"id{delimiter}Question\n1{delimiter}Who, and where?\n".replace("Who, and", "Who and"))
    assert sheet.columns == ("id", "Question")
    assert sheet.questions == ["Who and where?"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_as_on_any_system(end: str) -> None:
    sheet = _read(end.join(["", "id;question", "1;Who, and where?", "2;When?", ""]))
    assert sheet.columns == ("id", "question")
    assert sheet.questions == ["Who, and where?", "When?"]


def test_a_tsv_keeps_commas_and_a_mark_is_no_part_of_a_name() -> None:
    sheet = _read("\ufeffquestion\tnote\nWho, and where?\ta,b\n", "q.tsv")
    assert sheet.columns == ("question", "note")
    assert sheet.rows == (("Who, and where?", "a,b"),)


def test_a_plain_list_of_questions_has_no_header() -> None:
    for text in ("Who, and where?\nWhen?\n", "When?\nWho, and where, or why?\n"):
        assert _read(text).questions == text.strip().split("\n")
    headed = _read("questions\nWho, and where?\nWhen?\n")
    assert headed.questions == ["Who, and where?", "When?"]


def test_the_column_is_found_by_name_by_content_or_by_its_flag() -> None:
    assert _read("id,Вопрос,answer\n1,Кто?,Some long answer\n").place == 1
    assert _read("id,asked\n1,Who is it?\n2,\n3,Where is it?\n").place == 1
    two = "first one,second one\nWho is it?,Where is it?\n"
    assert _read(two, column="Second One").questions == ["Where is it?"]
    with pytest.raises(QuestionsError, match="name the column, one of 'first one', 'second one'"):
        _read(two)
    with pytest.raises(QuestionsError, match="name the column, one of 'Q', 'Question'"):
        _read("Q,Question\nQ1,Who is it?\n")
    with pytest.raises(QuestionsError, match="has no column 'third'"):
        _read(two, column="third")


def test_rows_keep_every_cell_and_blank_questions_stay() -> None:
    sheet = _read("question,note,\nWho?,a\n,b,c\n")
    assert sheet.columns == ("question", "note", "column 3")
    assert sheet.rows == (("Who?", "a", ""), ("", "b", "c"))
    assert sheet.questions == ["Who?", ""]


def test_a_workbook_keeps_numbers_and_dates() -> None:
    sheet = _read(_workbook([["id", "question"], [7, "Who is it?"]]), "q.xlsx")
    assert sheet.rows == ((7, "Who is it?"),)
    output = io.BytesIO()
    with Workbook(output, {"default_date_format": "yyyy-mm-dd"}) as book:
        page = book.add_worksheet()
        page.write_row(0, 0, ["question", "when"])
        page.write_string(1, 0, "Who?")
        page.write_datetime(1, 1, date(2024, 5, 6))
    assert _read(output.getvalue(), "Q.XLSX").rows == (("Who?", date(2024, 5, 6)),)


def test_json_lines_keep_values_of_every_kind() -> None:
    lines = [{"question": "Who?", "tags": ["a", 1]}, {"id": 3, "question": " When? "}]
    sheet = _read("\n".join(map(json.dumps, lines)) + "\n\n", "q.jsonl")
    assert sheet.columns == ("question", "tags", "id")
    assert sheet.rows == (("Who?", ["a", 1], None), (" When? ", None, 3))
    assert sheet.questions == ["Who?", "When?"]


@pytest.mark.parametrize(
    ("data", "name", "message"),
    [
        ("", "q.csv", "q.csv is empty"),
        ("", "q.jsonl", "q.jsonl is empty"),
        ("question\n\n", "q.csv", "q.csv has no question in the column 'question'"),
        ("question\n" + "x" * 101, "q.csv", "more than 100 characters, in the rows 1 below the header"),
        ("question\n", "q.pdf", r"q.pdf is not a sheet of questions: its name must end in one of .csv"),
        ("{", "q.jsonl", "q.jsonl, line 1: not JSON"),
        ('{"question": "\\ud800"}', "q.jsonl", "q.jsonl, line 1: not JSON in UTF-8"),
        ('{"question": NaN}', "q.jsonl", "q.jsonl, line 1: not JSON in UTF-8: NaN is no value"),
        ("[1]", "q.jsonl", "q.jsonl, line 1: not a JSON object"),
        ('question\n"a"b', "q.csv", "q.csv, line 2"),
        ("no workbook", "q.xlsx", "q.xlsx is not an XLSX that can be opened"),
    ],
)
def test_what_cannot_be_read_is_said(data: str, name: str, message: str) -> None:
    with pytest.raises(QuestionsError, match=message):
        _read(data, name)


@given(st.lists(st.tuples(_CELLS, _CELLS), min_size=1, max_size=8))
def test_every_cell_of_a_csv_comes_back(rows: list[tuple[str, str]]) -> None:
    output = io.StringIO()
    csv.writer(output).writerows([("question", "other"), *rows])
    kept = [row for row in rows if any(cell.strip() for cell in row)]
    if any(row[0].strip() for row in kept):
        assert list(_read(output.getvalue()).rows) == kept


@pytest.mark.parametrize(
    ("row", "column", "message"),
    [(1_000_000, 10_000, "takes too much memory or time"), (100_000, 60, "5,000,000 cells")],
)
def test_a_stray_cell_far_away_is_refused(row: int, column: int, message: str) -> None:
    output = io.BytesIO()
    with Workbook(output) as book:
        page = book.add_worksheet()
        page.write_column(0, 0, ["question", "Who?"])
        page.write(row, column, "stray")
    with pytest.raises(QuestionsError, match=message):
        _read(output.getvalue(), "q.xlsx")


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ("question,note\n" + "a,b\n" * 60, "q.csv"),
        ("question\t" * 101, "q.tsv"),
        ("\n".join(json.dumps({f"field {n}": n}) for n in range(11)), "q.jsonl"),
        (_workbook([["question", *range(10)]] * 10), "q.xlsx"),
    ],
)
def test_a_sheet_with_too_many_cells_is_refused(data: str | bytes, name: str) -> None:
    with pytest.raises(QuestionsError, match=f"{name} has more than 100 cells: remove"):
        _read(data, name, max_cells=100)


def test_rows_with_questions_are_counted() -> None:
    text = "id,question\n1,Who?\n2,\n3,When?\n"
    assert len(_read(text, max_questions=2).rows) == 3
    with pytest.raises(QuestionsError, match="has 2 questions, and at most 1 are answered at once: split it"):
        _read(text, max_questions=1)


def test_a_message_names_a_few_columns_only() -> None:
    header = ",".join(f"{n:x>99}" for n in range(30))
    with pytest.raises(QuestionsError, match=r"one of 'x{50}…', .* and 20 more") as refusal:
        _read(f"{header}\n")
    assert len(str(refusal.value)) < 1000


@given(st.lists(st.sampled_from(["", "a", "a 2", "column 2", "b"])))
def test_names_become_different_and_the_first_stay(names: list[str]) -> None:
    different = unique(names)
    assert len(set(different)) == len(different) == len(names)
    assert all(different)
    for place, name in enumerate(names):
        assert different[place] == name or not name or name in different[:place]
