"""A search with results that a test sets, and what the tests of the evaluation have in common."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from web.fake_search import FakeSearch

from qa.evaluation import evaluate
from qa.evaluation.questions import Place, Question, QuestionSet
from qa.evaluation.runs import Run
from qa.types import Answer, Hit, Passage, Query, SearchResult, Span

TEXT = "Zero one.\nTwo three.\nFour five.\nSix seven.\nEight nine."


@dataclass
class Canned(FakeSearch):
    """Returns the results that a test sets: for each question the passages in order, and the confidence.

    For the questions in ``unread``, which the model can't read, it claims none.
    """

    results: dict[str, tuple[list[Passage], float]] = field(default_factory=dict)
    duplicates: dict[str, tuple[Passage, ...]] = field(default_factory=dict)
    unread: set[str] = field(default_factory=set)

    def set_result(self, question: str, passages: list[Passage], confidence: float = 0.9) -> None:
        self.results[question] = (passages, confidence)

    def search(self, query: Query) -> SearchResult:
        self.queries.append(query)
        passages, confidence = self.results[query.question]
        hits = tuple(
            Hit(
                rank,
                passage,
                1 / rank,
                {},
                tuple(Answer(passage.slice(span), span, 0.5) for span in reversed(passage.sentences)),
                self.duplicates.get(passage.id, ()),
            )
            for rank, passage in enumerate(passages[: query.k], 1)
        )
        result = SearchResult(query, confidence >= 0.5, confidence, 9, 0.1, self.info, hits, "full")
        if query.question in self.unread:
            result = replace(result, language_support="words")
        return replace(result, **self.changes)


def two_documents() -> Canned:
    canned = Canned()
    canned.add("a.txt", TEXT)
    canned.add("b.txt", TEXT)
    return canned


def passages(search: Canned, path: str = "a.txt") -> list[Passage]:
    return [p for d in search.held.values() if d.path == path for p in search.passages_of(d.id)]


def place(start: int, end: int, doc: str = "a.txt", row: str | None = None) -> Place:
    return Place(doc, row, Span(start, end))


def question_on(name: str, *answers: Place, wrong: tuple[Place, ...] = ()) -> Question:
    return Question(name, name, answers, wrong)


def run_of(search: Canned, *questions: Question, k: int = 10) -> Run:
    return evaluate(search, QuestionSet(questions, 0), k=k)


def values(run: Run) -> dict[str, float]:
    return {name: metric.value for name, metric in run.metrics.items()}


def ranked_run(search: Canned, ranks: dict[str, int | None], sure: float = 0.9) -> Run:
    zero, *others = passages(search)
    for name, rank in ranks.items():
        order = [*others[: rank - 1], zero] if rank else others
        search.set_result(name, order, sure)
    return run_of(search, *(question_on(name, place(0, 1)) for name in ranks))


def random_questions(search: Canned, count: int, seed: int = 1) -> list[Question]:
    chance = random.Random(seed)
    for n in range(4):
        search.add(f"r{n}.txt", "\n".join("word " * chance.randint(2, 30) + "end." for _ in range(12)))
    held = [p for d in search.held.values() for p in search.passages_of(d.id)]
    questions = []
    for n in range(count):
        answers = []
        for _ in range(chance.choice([0, 1, 1, 2, 4])):
            passage = chance.choice(held)
            start = passage.span.start + chance.randint(0, 8)
            answers.append(place(start, start + chance.randint(1, 200), passage.document.path))
        if chance.random() < 0.05:
            answers = [place(3, 8, "elsewhere.txt")]
        questions.append(question_on(f"Question {n}?", *answers))
        near = [
            p
            for p in held
            if any(p.document.path == a.doc and abs(p.span.start - a.span.start) < 99 for a in answers)
        ]
        order = chance.sample(held, len(held))
        if chance.random() < 0.6:
            order.sort(key=lambda p: p not in near)
        sure = round(chance.betavariate(3, 2) if answers else chance.betavariate(2, 3), 2)
        search.set_result(f"Question {n}?", order, sure)
    return questions


def write_lines(tmp_path: Path, *lines: str | dict) -> Path:
    path = tmp_path / "questions.jsonl"
    path.write_text(
        "\n".join(x if isinstance(x, str) else json.dumps(x, ensure_ascii=False) for x in lines), "utf-8"
    )
    return path


def entry(name: str = "1", question: str = "Who?", **more: Any) -> dict:
    return {"id": name, "question": question, **more}


def spot(start: int = 0, end: int = 5, doc: str = "a.txt", **more: Any) -> dict:
    return {"doc": doc, "start": start, "end": end, **more}
