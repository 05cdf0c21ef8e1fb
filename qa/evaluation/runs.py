"""A run: every question asked once, what came of it, and the file that keeps it."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from glob import escape
from pathlib import Path
from typing import Any

from qa.errors import QuestionsError
from qa.evaluation.measures import Metric, Outcome, by_character, is_right, marks_answer, summarise
from qa.evaluation.questions import Place, Question, QuestionSet
from qa.protocols import Search
from qa.types import Filters, Hit, Mode, Passage, Query, SearchResult, Span

_FORMAT = 1
_CUTOFFS = (1, 5, 10)
_LISTED = 1000


@dataclass(frozen=True, slots=True)
class Run:
    """All that came of a set of questions.

    Attributes:
        outcomes: of each question, in order.
        metrics: by name.
        setup: what was asked of what: file, generation, model, reranker, mode and k.
        left_out: how many questions have only wrong passages known, and were not asked.
        out_of_reach: ids of the questions no answer of which is in a passage of the index.
    """

    outcomes: tuple[Outcome, ...]
    metrics: Mapping[str, Metric]
    setup: Mapping[str, Any]
    left_out: int = 0
    out_of_reach: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Asked:
    question: Question
    result: SearchResult
    ms: float


def evaluate(
    search: Search,
    asked: QuestionSet,
    *,
    k: int = 10,
    mode: Mode = Mode.HYBRID,
    setup: Mapping[str, Any] | None = None,
    progress: bool = False,
) -> Run:
    """Ask each question by itself, one after the other, and measure what comes.

    Metrics that look further than ``k`` passages are left out.
    """
    from tqdm import tqdm  # only here

    if not asked.questions:
        raise QuestionsError("there is no question with known answers: only wrong passages are known")
    search.search(Query(asked.questions[0].question, k=k, mode=mode))  # the first is slower than all others
    found = [
        _ask(search, question, k, mode)
        for question in tqdm(asked.questions, desc="asking", unit="question", disable=not progress)
    ]
    relevant = _relevant(search, found)
    ranked = _rank_metrics(found, relevant, k)
    both = len({bool(one.question.answers) for one in found}) > 1
    outcomes = tuple(_outcome(one, values, k, both=both) for one, values in zip(found, ranked, strict=True))
    info = search.info
    about = {"generation": info.generation, "model": info.model, "mode": mode.value, "k": k}
    return Run(
        outcomes,
        summarise(outcomes),
        {**(setup or {}), **about},
        asked.left_out,
        tuple(
            one.question.id
            for one, ids in zip(found, relevant, strict=True)
            if one.question.answers and not ids
        ),
    )


def _ask(search: Search, question: Question, k: int, mode: Mode) -> _Asked:
    started = time.perf_counter()
    result = search.search(Query(question.question, k=k, mode=mode))
    return _Asked(question, result, (time.perf_counter() - started) * 1000)


def _outcome(one: _Asked, ranked: Mapping[str, float], k: int, *, both: bool) -> Outcome:
    question, result = one.question, one.result
    values: dict[str, float] = {}
    if question.answers:
        values |= ranked
        values |= {
            name: value for name, value in by_character(question, result.hits).items() if int(name[-1]) <= k
        }
        values["answer@1"] = float(marks_answer(question, result.hits))
    if both:
        values["brier"] = (result.confidence - bool(question.answers)) ** 2
    rank = next((hit.rank for hit in result.hits if is_right(question, hit.passage)), None)
    return Outcome(question, rank, result.confidence, result.answerable, one.ms, values)


def _rank_metrics(found: Sequence[_Asked], relevant: Sequence[set[str]], k: int) -> list[dict[str, float]]:
    """Let ir-measures judge the passages' order, for each question that has answers."""
    import ir_measures  # only here
    from ir_measures import RR, Success, nDCG

    named = {f"success@{cutoff}": Success @ cutoff for cutoff in {*_CUTOFFS, k} if cutoff <= k}
    if k >= max(_CUTOFFS):
        named |= {"mrr@10": RR @ 10, "ndcg@10": nDCG @ 10}
    names = {measure: name for name, measure in named.items()}
    # Answers that no passage holds are missed, not left out; a name without ":" is no passage's.
    qrels = {
        str(n): dict.fromkeys(relevant[n] or {"out of reach"}, 1)
        for n, one in enumerate(found)
        if one.question.answers
    }
    runs = {n: {hit.passage.id: -float(hit.rank) for hit in found[int(n)].result.hits} for n in qrels}
    values: list[dict[str, float]] = [{} for _ in found]
    for metric in ir_measures.iter_calc(list(names), qrels, runs):
        values[int(metric.query_id)][names[metric.measure]] = metric.value
    return values


def _relevant(search: Search, found: Iterable[_Asked]) -> list[set[str]]:
    """Give the ids of the passages that answer each question, shown or not.

    A passage that is shown as the duplicate of one that answers is not one more to be found.
    """
    passages: dict[str, list[Passage]] = {}
    ids = []
    for one in found:
        for doc in {place.doc for place in one.question.answers} - passages.keys():
            passages[doc] = list(_passages(search, doc))
        right = [hit for hit in one.result.hits if is_right(one.question, hit.passage)]
        every = {
            passage.id
            for doc in {place.doc for place in one.question.answers}
            for passage in passages[doc]
            if is_right(one.question, passage)
        }
        ids.append((every - _duplicates(right)) | {hit.passage.id for hit in right})
    return ids


def _duplicates(hits: Iterable[Hit]) -> set[str]:
    return {passage.id for hit in hits for passage in hit.duplicates}


def _passages(search: Search, doc: str) -> Iterable[Passage]:
    """Give the passages of the document at a path, or of all rows of the table there."""
    offset, total = 0, 1
    while offset < total:
        page = search.library.documents(Filters(path=(escape(doc),)), limit=_LISTED, offset=offset)
        total, offset = page.total, offset + _LISTED
        for document in page.documents:
            if document.path == doc:
                yield from search.library.passages_of(document.id)


def summary(run: Run) -> dict[str, Any]:
    """Shape a run without its questions, for ``--json``."""
    return {
        **run.setup,
        "questions": len(run.outcomes),
        "answerable": sum(bool(outcome.question.answers) for outcome in run.outcomes),
        "left_out": run.left_out,
        "out_of_reach": list(run.out_of_reach),
        "metrics": {name: asdict(metric) for name, metric in run.metrics.items()},
    }


def save(run: Run, path: Path) -> None:
    """Keep a run with what came of each question.

    Raises:
        QuestionsError: the file cannot be written.
    """
    kept = {"format": _FORMAT, "run": summary(run), "outcomes": [asdict(one) for one in run.outcomes]}
    try:
        path.write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n", "utf-8")
    except OSError as error:
        raise QuestionsError(f"{path} cannot be written: {error.strerror}") from error


def load(path: Path) -> Run:
    """Read a run that ``save`` kept.

    Raises:
        QuestionsError: it cannot be read, or is something else.
    """
    try:
        kept = json.loads(path.read_text("utf-8"))
        if kept["format"] != _FORMAT:
            raise QuestionsError(f"{path} is of another version of qa: evaluate again with --write")
        outcomes = tuple(_loaded(one) for one in kept["outcomes"])
        return Run(
            outcomes, {name: Metric(**one) for name, one in kept["run"]["metrics"].items()}, kept["run"]
        )
    except OSError as error:
        raise QuestionsError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise QuestionsError(f"{path} is not what `qa eval --write` writes") from error


def _loaded(one: dict[str, Any]) -> Outcome:
    question = one["question"]
    if not isinstance(one["rank"], int | None) or not isinstance(one["answerable"], bool):
        raise TypeError
    if not all(math.isfinite(value) for value in (*one["values"].values(), one["confidence"], one["ms"])):
        raise ValueError
    asked = Question(
        question["id"],
        question["question"],
        *(
            tuple(Place(doc, row, Span(*span)) for doc, row, span in question[name])
            for name in ("answers", "wrong")
        ),
    )
    return Outcome(**{**one, "question": asked})
