"""A run: every question searched for once, its outcome, and the file that keeps the run."""

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
from qa.retrieval.search_protocol import Search
from qa.types import Filters, Hit, Mode, Passage, Query, SearchResult, Span

_FORMAT = 1  # of the file that keeps a run
_CUTOFFS = (1, 5, 10)  # of success@k: the first passage, a screen, a page
_PAGE = 1000  # documents listed at a time: only a table has many rows at one path


@dataclass(frozen=True, slots=True)
class Run:
    """The outcomes of a set of questions.

    Attributes:
        outcomes: one for each question, in order.
        metrics: by name.
        setup: file, generation, model, reranker, reader, mode and k.
        left_out: number of questions for which only wrong passages are known; they were not searched for.
        out_of_reach: ids of the questions whose answers are in no passage of the index.
    """

    outcomes: tuple[Outcome, ...]
    metrics: Mapping[str, Metric]
    setup: Mapping[str, Any]
    left_out: int = 0
    out_of_reach: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Response:
    """The result of a question, and how many milliseconds it took."""

    question: Question
    result: SearchResult
    ms: float


def evaluate(
    search: Search,
    questions: QuestionSet,
    *,
    k: int = 10,
    mode: Mode = Mode.HYBRID,
    setup: Mapping[str, Any] | None = None,
    progress: bool = False,
) -> Run:
    """Search for each question by itself, one after the other, and measure the results.

    Args:
        search: the search that is measured.
        questions: the questions with their answers.
        k: number of passages to search for. Metrics that need more are left out.
        mode: how to search.
        setup: what else to keep with the run.
        progress: whether to show a progress bar.

    Raises:
        QuestionsError: only wrong passages are known for all questions.
    """
    from tqdm import tqdm  # only here

    if not questions.questions:
        raise QuestionsError("there is no question with known answers: only wrong passages are known")
    search.search(Query(questions.questions[0].question, k=k, mode=mode))  # the first search is the slowest
    responses = [
        _respond(search, question, k, mode)
        for question in tqdm(questions.questions, desc="searching", unit="question", disable=not progress)
    ]
    info = search.info
    about = {"generation": info.generation, "model": info.model, "mode": mode.value, "k": k}
    return _measure(search, responses, questions.left_out, {**(setup or {}), **about})


def _measure(search: Search, responses: Sequence[_Response], left_out: int, setup: Mapping[str, Any]) -> Run:
    relevant = _relevant(search, responses)
    ranked = _rank_metrics(responses, relevant, setup["k"])
    both = len({bool(response.question.answers) for response in responses}) > 1
    outcomes = tuple(
        _outcome(response, values, setup["k"], both=both)
        for response, values in zip(responses, ranked, strict=True)
    )
    out_of_reach = tuple(
        response.question.id
        for response, ids in zip(responses, relevant, strict=True)
        if response.question.answers and not ids
    )
    return Run(outcomes, summarise(outcomes), setup, left_out, out_of_reach)


def _respond(search: Search, question: Question, k: int, mode: Mode) -> _Response:
    started = time.perf_counter()
    result = search.search(Query(question.question, k=k, mode=mode))
    return _Response(question, result, (time.perf_counter() - started) * 1000)


def _outcome(response: _Response, ranked: Mapping[str, float], k: int, *, both: bool) -> Outcome:
    """Return the outcome of a question. ``both``: some questions of the run are answered, others are not."""
    question, result = response.question, response.result
    values: dict[str, float] = {}
    if question.answers:
        values |= ranked
        values |= {
            name: value for name, value in by_character(question, result.hits).items() if int(name[-1]) <= k
        }
        values["answer@1"] = float(marks_answer(question, result.hits))
    confidence = result.claimed_confidence
    if both and confidence is not None:
        values["brier"] = (confidence - bool(question.answers)) ** 2
    rank = next((hit.rank for hit in result.hits if is_right(question, hit.passage)), None)
    return Outcome(question, rank, confidence, result.answerable, response.ms, values)


def _rank_metrics(
    responses: Sequence[_Response], relevant: Sequence[set[str]], k: int
) -> list[dict[str, float]]:
    """Return what ir-measures says of the order of the passages, for each question that has answers."""
    import ir_measures  # only here
    from ir_measures import RR, Success, nDCG

    named = {f"success@{cutoff}": Success @ cutoff for cutoff in {*_CUTOFFS, k} if cutoff <= k}
    if k >= max(_CUTOFFS):
        named |= {"mrr@10": RR @ 10, "ndcg@10": nDCG @ 10}
    names = {measure: name for name, measure in named.items()}
    # Answers that no passage holds count as missed; a name without ":" belongs to no passage.
    qrels = {
        str(n): dict.fromkeys(relevant[n] or {"out of reach"}, 1)
        for n, response in enumerate(responses)
        if response.question.answers
    }
    runs = {n: {hit.passage.id: -float(hit.rank) for hit in responses[int(n)].result.hits} for n in qrels}
    values: list[dict[str, float]] = [{} for _ in responses]
    for metric in ir_measures.iter_calc(list(names), qrels, runs):
        values[int(metric.query_id)][names[metric.measure]] = metric.value
    return values


def _relevant(search: Search, responses: Iterable[_Response]) -> list[set[str]]:
    """Return the ids of the passages that answer each question, shown or not.

    A passage that is shown as the duplicate of an answering one does not count again.
    """
    passages: dict[str, list[Passage]] = {}
    ids = []
    for response in responses:
        question = response.question
        docs = {place.doc for place in question.answers}
        for doc in docs - passages.keys():
            passages[doc] = list(_passages(search, doc))
        right_hits = [hit for hit in response.result.hits if is_right(question, hit.passage)]
        right = {passage.id for doc in docs for passage in passages[doc] if is_right(question, passage)}
        ids.append((right - _duplicates(right_hits)) | {hit.passage.id for hit in right_hits})
    return ids


def _duplicates(hits: Iterable[Hit]) -> set[str]:
    return {passage.id for hit in hits for passage in hit.duplicates}


def _passages(search: Search, doc: str) -> Iterable[Passage]:
    """Yield the passages of the document at a path, or of all rows of the table there."""
    offset, total = 0, 1
    while offset < total:
        page = search.library.documents(Filters(path=(escape(doc),)), limit=_PAGE, offset=offset)
        total, offset = page.total, offset + _PAGE
        for document in page.documents:
            if document.path == doc:
                yield from search.library.passages_of(document.id)


def summary(run: Run) -> dict[str, Any]:
    """Return a run without its questions, for ``--json``."""
    return {
        **run.setup,
        "questions": len(run.outcomes),
        "answerable": sum(bool(outcome.question.answers) for outcome in run.outcomes),
        "left_out": run.left_out,
        "out_of_reach": list(run.out_of_reach),
        "metrics": {name: asdict(metric) for name, metric in run.metrics.items()},
    }


def save(run: Run, path: Path) -> None:
    """Write a run with the outcome of each question to a file.

    Raises:
        QuestionsError: the file cannot be written.
    """
    kept = {"format": _FORMAT, "run": summary(run), "outcomes": [asdict(outcome) for outcome in run.outcomes]}
    try:
        path.write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n", "utf-8")
    except OSError as error:
        raise QuestionsError(f"{path} cannot be written: {error.strerror}") from error


def load(path: Path) -> Run:
    """Read a run that ``save`` wrote.

    Raises:
        QuestionsError: the file cannot be read, or holds something else.
    """
    try:
        kept = json.loads(path.read_text("utf-8"))
        if kept["format"] != _FORMAT:
            raise QuestionsError(f"{path} is from another version of qa: run `qa eval --write` again")
        outcomes = tuple(map(_outcome_from, kept["outcomes"]))
        metrics = {name: Metric(**fields) for name, fields in kept["run"]["metrics"].items()}
        return Run(outcomes, metrics, kept["run"])
    except OSError as error:
        raise QuestionsError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise QuestionsError(f"{path} is not a file of `qa eval --write`") from error


def _outcome_from(fields: dict[str, Any]) -> Outcome:
    question = fields["question"]
    if not isinstance(fields["rank"], int | None) or not isinstance(fields["answerable"], bool):
        raise TypeError
    sure = [] if fields["confidence"] is None else [fields["confidence"]]
    numbers = (*fields["values"].values(), *sure, fields["ms"])
    if not all(map(math.isfinite, numbers)):
        raise ValueError
    restored = Question(
        question["id"],
        question["question"],
        *(
            tuple(Place(doc, row, Span(*span)) for doc, row, span in question[name])
            for name in ("answers", "wrong")
        ),
    )
    return Outcome(**{**fields, "question": restored})
