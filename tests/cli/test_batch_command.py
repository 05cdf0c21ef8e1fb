"""``qa batch`` from a sheet of questions to a sheet of answers."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

_SHEET = "id,question\n7,How many students from Cambodia study in Moscow?\n8,\n"


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    path = tmp_path / "asked.csv"
    path.write_text(_SHEET, "utf-8")
    return path


def test_answers_stand_beside_the_questions(run, built: Path, sheet: Path) -> None:
    result = run("batch", "asked.csv")
    assert result.exit_code == 0
    assert "1 question" in result.stderr
    assert "in asked-answers.csv" in result.stderr
    written = sheet.with_name("asked-answers.csv").read_text("utf-8-sig")
    row, blank = csv.DictReader(io.StringIO(written, newline=""))
    assert row["id"] == "7"
    assert "ninety students" in row["answer"] or row["answer"] == "not in these documents"
    assert blank["answer"] == ""
    assert not list(sheet.parent.glob(".*draft*"))


def test_csv_goes_to_standard_output(run, built: Path, sheet: Path) -> None:
    result = run("batch", "asked.csv", "-o", "-", "--base-url", "https://qa.example.org")
    assert result.stdout.startswith("id,question,answer,")
    assert "https://qa.example.org/documents/" in result.stdout
    assert sorted(path.name for path in sheet.parent.glob("*asked*")) == ["asked.csv"]


@pytest.mark.parametrize("suffix", ["tsv", "xlsx", "jsonl", "docx"])
def test_every_format_is_written(run, built: Path, sheet: Path, suffix: str) -> None:
    assert run("batch", "asked.csv", "-o", f"answers.{suffix}").exit_code == 0
    assert sheet.with_name(f"answers.{suffix}").stat().st_size


def test_filters_hold_for_every_question(run, built: Path, sheet: Path) -> None:
    run("batch", "asked.csv", "-o", "a.jsonl", "--path", "trade.md")
    line = json.loads(sheet.with_name("a.jsonl").read_text("utf-8").splitlines()[0])
    assert {source["title"] for source in line["qa"]["next_sources"]} <= {"Trade in 2018"}


def test_a_sheet_is_not_replaced_unasked(run, built: Path, sheet: Path) -> None:
    run("batch", "asked.csv")
    again = run("batch", "asked.csv")
    assert again.exit_code == 2
    assert "asked-answers.csv exists" in again.stderr
    assert run("batch", "asked.csv", "--overwrite").exit_code == 0


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("-o", "a.pdf"), "its name must end in one of .csv, .tsv, .xlsx, .jsonl, .docx"),
        (("-o", "missing/a.csv"), "its folder does not exist"),
        (("--column", "what"), "asked.csv has no column 'what'; it has 'id', 'question'"),
        (("--from", "2020-02-30"), "is not a date such as 2019-07-03"),
        (("--from", "2020-02-03", "--to", "2020-02-02"), "--from must not be later than --to"),
    ],
)
def test_what_cannot_be_done_is_said(run, built: Path, sheet: Path, flags, message: str) -> None:
    result = run("batch", "asked.csv", *flags)
    assert result.exit_code == 2
    assert message in result.stderr
