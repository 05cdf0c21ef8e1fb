"""``qa batch``: a sheet of questions in, a sheet of cited answers out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qa import config
from qa.cli.options import (
    Text,
    base_url_option,
    filter_options,
    filter_values,
    filters_of,
    index_option,
    mode_option,
    reader_option,
    reranker_option,
    store_option,
    verbatim_option,
)
from qa.cli.output import count
from qa.errors import QuestionsError, SettingsError
from qa.hardware import cores
from qa.types import Mode, Query

if TYPE_CHECKING:
    from qa.batch.question_sheet import QuestionSheet
    from qa.batch.run import Answers

_STDOUT = "-"
_OUTPUTS = ("csv", "tsv", "xlsx", "jsonl", "docx")


@click.command()
@click.argument("questions", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False),
    help="The sheet to write: .csv, .tsv, .xlsx, .jsonl or .docx; - prints CSV.  [default: QUESTIONS-answers "
    "beside QUESTIONS, in the same format]",
)
@click.option("--overwrite", is_flag=True, help="Replace the sheet to write if it exists.")
@click.option("--column", type=Text(), help="The column of the questions, if its name doesn't say so.")
@click.option(
    "--jobs",
    type=click.IntRange(1, 1000),
    default=cores,
    show_default="one per core",
    help="Number of processes that answer.",
)
@base_url_option
@mode_option
@filter_options
@verbatim_option
@index_option
@store_option
@reranker_option
@reader_option
def batch(
    questions: Path,
    *,
    output: str | None,
    overwrite: bool,
    column: str | None,
    jobs: int,
    base_url: str,
    mode: str,
    verbatim: bool,
    **flags: Any,
) -> None:
    """Answer QUESTIONS, a sheet with a column of questions. A batch that was stopped goes on."""
    filters = filters_of(filter_values(flags))
    settings = config.load(flags)
    from qa.batch.answering import Task
    from qa.batch.cited_answers import RESULTS
    from qa.batch.question_sheet import read_sheet
    from qa.batch.run import Batch, answer_sheet
    from qa.retrieval.live import LiveSearcher
    from qa.stores.publication import publications

    target = _target(questions, output, overwrite=overwrite)
    sheet = read_sheet(_content(questions), questions.name, column=column, max_question=settings.max_question)
    query = Query("", k=RESULTS, mode=Mode(mode), filters=filters, verbatim=verbatim)
    generation, _ = publications(settings).live()
    task = Task(settings, generation, query, base_url or settings.address)
    batch_ = Batch(task, LiveSearcher(settings).current, jobs, progress=sys.stderr.isatty())
    answers = answer_sheet(batch_, sheet, target)
    _write(target, sheet, answers)
    answered = sum(bool(question and answers[question].answer) for question in sheet.questions)
    asked = sum(map(bool, sheet.questions))
    where = f", in {target}" if target else ""
    click.echo(f"qa: {answered} of {count(asked, 'question')} answered by these documents{where}", err=True)


def _target(questions: Path, output: str | None, *, overwrite: bool) -> Path | None:
    """Return the path of the sheet to write; None for standard output."""
    if output == _STDOUT:
        return None
    target = Path(output) if output else questions.with_name(f"{questions.stem}-answers{questions.suffix}")
    if target.suffix.lower().removeprefix(".") not in _OUTPUTS:
        known = ", ".join(f".{format_}" for format_ in _OUTPUTS)
        raise SettingsError(f"--output {target}: its name must end in one of {known}")
    if not target.absolute().parent.is_dir():
        raise SettingsError(f"{target} cannot be written: its folder does not exist")
    if target.exists() and not overwrite:
        raise SettingsError(
            f"{target} exists: name another file with --output, or replace it with --overwrite"
        )
    return target


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise QuestionsError(f"{path} cannot be read: {error.strerror}") from error


def _write(target: Path | None, sheet: QuestionSheet, answers: Answers) -> None:
    """Write the finished sheet, and remove its draft."""
    from qa import files
    from qa.batch import draft
    from qa.batch.answer_formats import FORMATS
    from qa.batch.answered_rows import answered_rows
    from qa.batch.sheet_writer import csv_lines

    rows = answered_rows(sheet, answers.items())
    if target is None:
        click.echo(b"".join(csv_lines(sheet, rows)), nl=False)
        return
    pieces = FORMATS[target.suffix.lower().removeprefix(".")].pieces(sheet, rows)
    try:
        files.replace_bytes(target, b"".join(pieces))
    except OSError as error:
        raise QuestionsError(f"{target} cannot be written: {error.strerror}") from error
    draft.path_for(target).unlink(missing_ok=True)
