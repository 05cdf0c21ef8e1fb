"""``qa replay`` and ``qa diff``: what changed since a search, and from one generation to another."""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qa import config
from qa.cli.options import index_option, json_option, store_option
from qa.cli.output import count, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qa.index.generation_changes import DocumentChange
    from qa.records.replay import Outcome, Place, Replay

_CHANGED = 1  # the exit code


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--fail-on-change", is_flag=True, help="Exit with 1 unless every result is the same.")
@index_option
@store_option
@json_option
def replay(file: Path, *, fail_on_change: bool, as_json: bool, **flags: Any) -> None:
    """Ask the recorded search in FILE again, and say what became of every result."""
    settings = config.load(flags)
    from qa.records.replay import replay as ask_again
    from qa.records.search_record import read_record
    from qa.retrieval.live import LiveSearcher

    record = read_record(file)
    settings = replace(settings, reranker=record.reranker, reader=record.reader)
    replayed = ask_again(record, LiveSearcher(settings).current())
    if as_json:
        click.echo(json.dumps(_replay_json(replayed), ensure_ascii=False, indent=2))
    else:
        click.echo("\n".join(_replay_lines(replayed)))
    if fail_on_change and not replayed.is_unchanged:
        sys.exit(_CHANGED)


def _replay_lines(replayed: Replay) -> list[str]:
    record, index = replayed.record, replayed.result.index
    lines = [
        printable(record.query.question),
        f"recorded    {record.created}, on generation {record.generation}",
        f"asked again on generation {index.generation}",
    ]
    if record.model != index.model:
        lines.append(f"model       {index.model}, then {record.model}")
    lines += ["", *map(_outcome_line, replayed.outcomes), ""]
    verdicts = Counter(outcome.verdict for outcome in replayed.outcomes)
    lines.append(", ".join(f"{number} {verdict}" for verdict, number in verdicts.items()) or "no results")
    return lines


def _outcome_line(outcome: Outcome) -> str:
    recorded, place = outcome.recorded, outcome.place
    was = f"{recorded.rank}." if recorded else "–"
    now = f"{outcome.rank}." if outcome.rank else "–"
    if recorded is None:
        where = _where(place)
    elif outcome.verdict in ("same", "gone"):
        where = f"{recorded.path}, characters {recorded.span.start} to {recorded.span.end}"
    else:
        where = (
            f"{recorded.path}, characters {recorded.span.start} to {recorded.span.end}, now {_where(place)}"
        )
    return printable(f"{outcome.verdict:8}{was:>4} → {now:4}{where}")


def _where(place: Place | None) -> str:
    return f"{place.document.path}, characters {place.span.start} to {place.span.end}" if place else ""


def _replay_json(replayed: Replay) -> dict[str, Any]:
    return {
        "question": replayed.record.query.question,
        "recorded": {"created": replayed.record.created, "generation": replayed.record.generation},
        "generation": replayed.result.index.generation,
        "unchanged": replayed.is_unchanged,
        "results": [_outcome_json(outcome) for outcome in replayed.outcomes],
    }


def _outcome_json(outcome: Outcome) -> dict[str, Any]:
    recorded, place = outcome.recorded, outcome.place
    return {
        "verdict": outcome.verdict,
        "was": recorded
        and {
            "rank": recorded.rank,
            "path": recorded.path,
            "char_start": recorded.span.start,
            "char_end": recorded.span.end,
        },
        "now": place
        and {
            "rank": outcome.rank,
            "path": place.document.path,
            "char_start": place.span.start,
            "char_end": place.span.end,
        },
    }


@click.command()
@click.argument("earlier")
@click.argument("later", required=False)
@index_option
@json_option
def diff(earlier: str, later: str | None, *, as_json: bool, **flags: Any) -> None:
    """Say which documents and passages changed from generation EARLIER to LATER, the live one by default."""
    settings = config.load(flags)
    from qa.index import generation
    from qa.index.generation_changes import compare_generations

    live = generation.current(settings.index).name
    opened = [generation.load(generation.named(settings.index, name)) for name in (earlier, later or live)]
    changes = compare_generations(*opened)
    if as_json:
        click.echo(json.dumps(_diff_json(opened[0].folder.name, opened[1].folder.name, changes), indent=2))
    else:
        click.echo("\n".join(_diff_lines(changes)))


def _diff_json(earlier: str, later: str, changes: Sequence[DocumentChange]) -> dict[str, Any]:
    return {
        "earlier": earlier,
        "later": later,
        "documents": [
            {
                "change": change.change,
                "id": change.document.id,
                "path": change.document.path,
                "row": change.document.row,
                "former_path": change.former_path,
                "passages": asdict(change.passages),
            }
            for change in changes
        ],
    }


def _diff_lines(changes: Sequence[DocumentChange]) -> list[str]:
    lines = [_change_line(change) for change in changes]
    documents = Counter[str](change.change for change in changes)
    kinds = ("added", "changed", "moved", "removed")
    listed = ", ".join(f"{documents[kind]} {kind}" for kind in kinds if documents[kind])
    lines.append(f"documents   {listed or 'none changed'}")
    totals = [
        sum(getattr(change.passages, kind) for change in changes) for kind in ("added", "changed", "removed")
    ]
    lines.append("passages    {} added, {} changed, {} removed".format(*totals))
    return lines


def _change_line(change: DocumentChange) -> str:
    document, passages = change.document, change.passages
    row = f", row {document.row}" if document.row is not None else ""
    if change.change == "moved":
        detail = f"from {change.former_path}"
    elif change.change == "changed":
        detail = f"passages: {passages.added} added, {passages.changed} changed, {passages.removed} removed"
    else:
        detail = count(document.passages, "passage")
    return printable(f"{change.change:8}{document.path}{row}: {detail}")
