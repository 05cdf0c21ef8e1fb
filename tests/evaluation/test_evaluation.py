"""The metrics against formulas, small cases by hand and the outside scorer; runs compared; files read."""

from __future__ import annotations

import http.client
import importlib.util
import io
import json
import math
import random
import sys
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from web.fake_search import FakeSearch

from qa.cli.commands import main
from qa.config import Settings
from qa.errors import QuestionsError
from qa.evaluation import compare, evaluate, load, read, save, shortfalls
from qa.evaluation.measures import METRICS, auroc
from qa.evaluation.questions import Place, Question, QuestionSet
from qa.evaluation.runs import Run
from qa.types import Answer, Hit, Passage, Query, SearchResult, Span
from qa.web import create_app
from qa.web.judgements import Judgements

SCORER = Path(__file__).parents[3] / "shared" / "eval" / "evaluate.py"
TEXT = "Zero one.\nTwo three.\nFour five.\nSix seven.\nEight nine."


@dataclass
class Canned(FakeSearch):
    """Answers as it was told: by question, the passages in order, and the confidence."""

    told: dict[str, tuple[list[Passage], float]] = field(default_factory=dict)
    duplicates: dict[str, tuple[Passage, ...]] = field(default_factory=dict)

    def tell(self, question: str, passages: list[Passage], confidence: float = 0.9) -> None:
        self.told[question] = (passages, confidence)

    def search(self, query: Query) -> SearchResult:
        self.asked.append(query)
        passages, confidence = self.told[query.question]
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
        return SearchResult(query, confidence >= 0.5, confidence, 9, 0.1, self.info, hits)


@pytest.fixture
def search() -> Canned:
    canned = Canned()
    canned.add("a.txt", TEXT)
    canned.add("b.txt", TEXT)
    return canned


def passages(search: Canned, path: str = "a.txt") -> list[Passage]:
    return [p for d in search.held.values() if d.path == path for p in search.passages_of(d.id)]


def place(start: int, end: int, doc: str = "a.txt", row: str | None = None) -> Place:
    return Place(doc, row, Span(start, end))


def ask(name: str, *answers: Place, wrong: tuple[Place, ...] = ()) -> Question:
    return Question(name, name, answers, wrong)


def run_of(search: Canned, *questions: Question, k: int = 10) -> Run:
    return evaluate(search, QuestionSet(questions, 0), k=k)


def values(run: Run) -> dict[str, float]:
    return {name: metric.value for name, metric in run.metrics.items()}


# Metrics


def test_small_cases_by_hand(search: Canned) -> None:
    zero, two, _, six, eight = passages(search)
    search.tell("q", [six, two, eight, zero])
    # "Two three." is found second, "Zero one." fourth, "Four five." not at all.
    run = run_of(search, ask("q", place(2, 4), place(12, 16), place(21, 22)))
    found = values(run)
    gain = 1 / math.log2(3) + 1 / math.log2(5)
    ideal = 1 + 1 / math.log2(3) + 1 / math.log2(4)
    shown, golden, shared = 10 + 10 + 11 + 9, 2 + 4 + 1, 2 + 4
    assert found == pytest.approx(
        {
            "success@1": 0,
            "success@5": 1,
            "success@10": 1,
            "mrr@10": 1 / 2,
            "ndcg@10": gain / ideal,
            "recall@5": shared / golden,
            "precision@5": shared / shown,
            "iou@5": shared / (golden + shown - shared),
            "answer@1": 0,
            "ms_p50": found["ms_p50"],
            "ms_p99": found["ms_p99"],
        }
    )
    assert run.outcomes[0].rank == 2
    assert list(found) == [name for name in METRICS if name in found]


def test_confidence_by_hand(search: Canned) -> None:
    for name, sure in (("yes1", 0.95), ("yes2", 0.55), ("no1", 0.55), ("no2", 0.05)):
        search.tell(name, [], sure)
    found = values(run_of(search, ask("yes1", place(0, 1)), ask("yes2", place(0, 1)), ask("no1"), ask("no2")))
    assert found["auroc"] == pytest.approx((1 + 1 + 0.5 + 1) / 4)
    assert found["balanced"] == pytest.approx((2 / 2 + 1 / 2) / 2)
    assert found["brier"] == pytest.approx((0.05**2 + 0.45**2 + 0.55**2 + 0.05**2) / 4)
    # The bin from .5 to .6 holds one of each kind: .55 said, .5 true.
    assert found["ece"] == pytest.approx((0.05 + abs(1.1 - 1) + 0.05) / 4)


def test_without_both_kinds_there_are_no_metrics_of_confidence(search: Canned) -> None:
    search.tell("q", passages(search))
    assert not {"auroc", "balanced", "brier", "ece"} & values(run_of(search, ask("q", place(0, 1)))).keys()
    assert values(run_of(search, ask("q"))).keys() == {"ms_p50", "ms_p99"}


@given(st.lists(st.integers(0, 5), min_size=1), st.lists(st.integers(0, 5), min_size=1))
def test_auroc_is_the_share_of_pairs_in_order(yes: list[int], no: list[int]) -> None:
    pairs = [(one > other) + (one == other) / 2 for one, other in product(yes, no)]
    assert auroc(np.array(yes, float), np.array(no, float)) == pytest.approx(sum(pairs) / len(pairs))


def test_metrics_that_look_further_than_k_are_left_out(search: Canned) -> None:
    search.tell("q", passages(search))
    question = ask("q", place(21, 22))
    found = values(run_of(search, question, k=3))
    assert found.keys() == {"success@1", "success@3", "answer@1", "ms_p50", "ms_p99"}
    assert (found["success@1"], found["success@3"]) == (0, 1)
    assert list(values(run_of(search, question, k=7)))[:3] == ["success@1", "success@5", "success@7"]
    assert {query.k for query in search.asked} == {3, 7}


def test_an_answer_that_no_passage_holds_is_missed_and_named(search: Canned) -> None:
    search.tell("q", passages(search))
    search.tell("gone", passages(search))
    run = run_of(search, ask("q", place(0, 1)), ask("gone", place(0, 1, "elsewhere.txt")))
    assert run.out_of_reach == ("gone",)
    assert values(run)["mrr@10"] == values(run)["ndcg@10"] == values(run)["recall@5"] == 0.5


def test_nothing_found_counts_as_missed(search: Canned) -> None:
    search.tell("q", [])
    found = values(run_of(search, ask("q", place(0, 1))))
    assert {value for name, value in found.items() if not name.startswith("ms")} == {0.0}


def test_a_duplicate_that_was_shown_with_another_is_not_one_more_to_find(search: Canned) -> None:
    first, copy = passages(search)[0], passages(search, "b.txt")[0]
    search.tell("q", [first])
    question = ask("q", place(0, 9), place(0, 9, "b.txt"))
    assert values(run_of(search, question))["ndcg@10"] == pytest.approx(1 / (1 + 1 / math.log2(3)))
    search.duplicates[first.id] = (copy,)
    assert values(run_of(search, question))["ndcg@10"] == 1


def test_a_row_counts_where_the_answer_names_it(search: Canned) -> None:
    table = search.held[search.add("t.csv", "Some words.")]
    rows = [
        Passage(f"{row}:0-11", replace(table, row=row), Span(0, 11), "Some words.", ()) for row in ("1", "2")
    ]
    search.tell("q", rows)
    named = values(run_of(search, ask("q", place(0, 4, "t.csv", "2"))))
    assert (named["mrr@10"], named["recall@5"], named["precision@5"]) == (0.5, 1, 4 / 22)
    anyone = values(run_of(search, ask("q", place(0, 4, "t.csv"))))
    assert (anyone["mrr@10"], anyone["recall@5"], anyone["precision@5"]) == (1, 1, 4 / 11)


def test_a_passage_that_was_judged_wrong_is_not_right(search: Canned) -> None:
    zero, two, *_ = passages(search)
    search.tell("q", [zero, two])
    question = ask("q", place(0, 12), wrong=(place(0, 9),))
    assert run_of(search, question).outcomes[0].rank == 2
    assert values(run_of(search, question))["answer@1"] == 0


def test_intervals_hold_the_value_and_are_the_same_each_time(search: Canned) -> None:
    questions = _random_questions(search, 60)
    first, second = (run_of(search, *questions) for _ in range(2))
    for name, metric in first.metrics.items():
        if name.startswith("ms") or name == "ece":
            assert metric.low is metric.high is None
        else:
            assert metric.low <= metric.value <= metric.high, name
            assert metric.low < metric.high, name
            assert metric == second.metrics[name]


def test_an_interval_is_that_of_the_normal_approximation_where_there_are_many(search: Canned) -> None:
    questions = _random_questions(search, 400)
    metric = run_of(search, *questions).metrics["success@5"]
    n = sum(bool(question.answers) for question in questions)
    width = 1.96 * math.sqrt(metric.value * (1 - metric.value) / n)
    assert (metric.low, metric.high) == pytest.approx((metric.value - width, metric.value + width), abs=0.01)


def test_one_question_has_no_interval(search: Canned) -> None:
    search.tell("q", passages(search))
    assert run_of(search, ask("q", place(0, 1))).metrics["mrr@10"].low is None


def _random_questions(search: Canned, count: int, seed: int = 1) -> list[Question]:
    chance = random.Random(seed)
    for n in range(4):
        search.add(f"r{n}.txt", "\n".join("word " * chance.randint(2, 30) + "end." for _ in range(12)))
    every = [p for d in search.held.values() for p in search.passages_of(d.id)]
    questions = []
    for n in range(count):
        answers = []
        for _ in range(chance.choice([0, 1, 1, 2, 4])):
            passage = chance.choice(every)
            start = passage.span.start + chance.randint(0, 8)
            answers.append(place(start, start + chance.randint(1, 200), passage.document.path))
        if chance.random() < 0.05:
            answers = [place(3, 8, "elsewhere.txt")]
        questions.append(ask(f"Question {n}?", *answers))
        near = [
            p
            for p in every
            if any(p.document.path == a.doc and abs(p.span.start - a.span.start) < 99 for a in answers)
        ]
        order = chance.sample(every, len(every))
        if chance.random() < 0.6:
            order.sort(key=lambda p: p not in near)
        sure = round(chance.betavariate(3, 2) if answers else chance.betavariate(2, 3), 2)
        search.tell(f"Question {n}?", order, sure)
    return questions


# Agreement with the outside scorer


class _Reply(io.BytesIO):
    status = 200


class _Connection:
    """Lets the scorer ask an app without a network."""

    app: Any = None

    def __init__(self, *_: Any, **__: Any) -> None: ...

    def request(self, _method: str, path: str) -> None:
        reply = self.app.test_client().get(path)
        assert reply.status_code == 200
        self._body = reply.data

    def getresponse(self) -> _Reply:
        return _Reply(self._body)


def _lines(questions: list[Question]) -> str:
    return "".join(
        json.dumps(
            {
                "id": question.id,
                "question": question.question,
                "answers": [
                    {"doc": a.doc, "start": a.span.start, "end": a.span.end} for a in question.answers
                ],
            }
        )
        + "\n"
        for question in questions
    )


@pytest.mark.skipif(not SCORER.is_file(), reason=f"{SCORER} is not there")
@pytest.mark.parametrize("seed", range(3))
def test_figures_are_those_of_the_outside_scorer(
    search: Canned,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    seed: int,
) -> None:
    questions = _random_questions(search, 150, seed)
    (tmp_path / "questions.jsonl").write_text(_lines(questions), "utf-8")
    monkeypatch.setattr(_Connection, "app", create_app(Settings(), lambda: search))
    monkeypatch.setattr(http.client, "HTTPConnection", _Connection)
    monkeypatch.setattr(sys, "argv", ["evaluate.py", str(tmp_path)])
    spec = importlib.util.spec_from_file_location("scorer", SCORER)
    scorer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(scorer)
    assert scorer.main() == 0
    theirs = json.loads(capsys.readouterr().out)
    run = evaluate(search, read(tmp_path / "questions.jsonl", 1000))
    ours = values(run)
    shared = theirs.keys() & ours.keys() - {"ms_p50", "ms_p99"}
    assert len(shared) == 10
    assert {name: round(ours[name], 4) for name in shared} == {name: theirs[name] for name in shared}
    assert len(run.outcomes) == theirs["questions"]


# Comparison


def _ranked(search: Canned, ranks: dict[str, int | None], sure: float = 0.9) -> Run:
    zero, *others = passages(search)
    for name, rank in ranks.items():
        order = [*others[: rank - 1], zero] if rank else others
        search.tell(name, order, sure)
    return run_of(search, *(ask(name, place(0, 1)) for name in ranks))


def test_p_is_the_share_of_swaps_that_differ_as_much(search: Canned) -> None:
    before = _ranked(search, {"a": 2, "b": 3, "c": 4, "d": 1})
    now = _ranked(search, {"a": 1, "b": 1, "c": 1, "d": 1})
    compared = compare(before, now)
    gains = [1 / 2, 2 / 3, 3 / 4]
    sums = [
        abs(sum(s * g for s, g in zip(signs, gains, strict=True))) for signs in product((1, -1), repeat=3)
    ]
    assert compared.metrics["mrr@10"].p == pytest.approx(sum(s >= sum(gains) - 1e-9 for s in sums) / 8)
    assert compared.metrics["success@5"].p == 1
    assert compared.metrics["ms_p50"].p is None
    assert compared.metrics["mrr@10"].before == pytest.approx((1 / 2 + 1 / 3 + 1 / 4 + 1) / 4)
    assert compared.metrics["mrr@10"].now == 1
    assert [(one.id, one.before, one.now) for one in compared.better] == [
        ("c", "rank 4", "rank 1"),
        ("b", "rank 3", "rank 1"),
        ("a", "rank 2", "rank 1"),
    ]
    assert compared.worse == ()
    assert "randomisation" in compared.test
    back = compare(now, before)
    assert back.metrics["mrr@10"].p == compared.metrics["mrr@10"].p
    assert [one.id for one in back.worse] == ["c", "b", "a"]


def test_a_run_does_not_differ_from_itself(search: Canned) -> None:
    run = run_of(search, *_random_questions(search, 40))
    compared = compare(run, run)
    assert {found.p for found in compared.metrics.values()} == {1, None}
    assert all(found.before == found.now for found in compared.metrics.values())
    assert (compared.common, compared.better, compared.worse) == (40, (), ())


def test_a_clear_difference_is_told_from_a_small_one(search: Canned) -> None:
    questions = _random_questions(search, 80)
    before = run_of(search, *questions)
    for name, (order, sure) in list(search.told.items()):
        answered = any(question.id == name and question.answers for question in questions)
        search.tell(name, order, min(1.0, sure + 0.4) if answered else sure / 4)
    now = run_of(search, *questions)
    for name in ("auroc", "balanced", "brier"):
        assert compare(before, now).metrics[name].p < 0.01
    name = next(question.id for question in questions if question.answers)
    search.tell(name, search.told[name][0], 0.5)
    for metric in ("auroc", "brier"):
        assert compare(now, run_of(search, *questions)).metrics[metric].p > 0.05


def test_only_questions_with_the_same_answers_are_compared(search: Canned) -> None:
    before = _ranked(search, {"a": 2, "b": 2, "c": 1})
    _ranked(search, {"a": 1, "b": 1, "d": 1})
    now = run_of(search, ask("a", place(0, 1)), ask("b", place(0, 2)), ask("d", place(0, 1)))
    compared = compare(before, now)
    assert (compared.common, compared.only_before, compared.only_now) == (1, 2, 2)
    assert (compared.metrics["mrr@10"].before, compared.metrics["mrr@10"].now) == (0.5, 1)
    none = compare(before, run_of(search, ask("d", place(0, 1))))
    assert (none.common, none.metrics) == (0, {})


def test_a_question_that_was_rightly_turned_down_is_better(search: Canned) -> None:
    search.tell("q", [], 0.9)
    before = run_of(search, ask("q"))
    search.tell("q", [], 0.1)
    [change] = compare(before, run_of(search, ask("q"))).better
    assert (change.before, change.now) == ("said to be answered", "said not to be answered")


def test_a_run_is_kept_whole(search: Canned, tmp_path: Path) -> None:
    questions = _random_questions(search, 20)
    search.tell("Judged?", [])
    judged = ask("Judged?", place(0, 1, row="7"), wrong=(place(1, 2),))
    run = run_of(search, *questions, judged)
    save(run, tmp_path / "run.json")
    again = load(tmp_path / "run.json")
    assert (again.outcomes, again.metrics) == (run.outcomes, run.metrics)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b'{"format": 2}',
        b'{"format": 1, "outcomes": [{}], "run": {}}',
        b"[" * 99999,
    ],
)
def test_what_is_no_kept_run_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "run.json").write_bytes(content)
    with pytest.raises(QuestionsError, match=r"run\.json is"):
        load(tmp_path / "run.json")


def test_bars(search: Canned) -> None:
    run = _ranked(search, {"a": 2, "b": 1})
    assert shortfalls(run, {"mrr@10": 0.75, "success@1": 0.5, "ms_p50": 1e9}) == []
    assert shortfalls(run, {"mrr@10": 0.76}) == ["mrr@10 is 0.7500, which is worse than 0.76"]
    assert shortfalls(run, {"ms_p50": 0})[0].startswith("ms_p50 is ")
    assert shortfalls(run, {"auroc": 0.1})[0].startswith("auroc cannot be measured")


# Questions files


def _file(tmp_path: Path, *lines: str | dict) -> Path:
    path = tmp_path / "questions.jsonl"
    path.write_text(
        "\n".join(x if isinstance(x, str) else json.dumps(x, ensure_ascii=False) for x in lines), "utf-8"
    )
    return path


def _entry(name: str = "1", question: str = "Who?", **more: Any) -> dict:
    return {"id": name, "question": question, **more}


def _spot(start: int = 0, end: int = 5, doc: str = "a.txt", **more: Any) -> dict:
    return {"doc": doc, "start": start, "end": end, **more}


def test_a_file_is_read(tmp_path: Path) -> None:
    path = _file(
        tmp_path,
        "\ufeff" + json.dumps(_entry(answers=[_spot(), _spot(7, 9, "t.csv", row="7")], note="more")),
        "",
        _entry("2", "Кто\u2028?", answers=[]),
        _entry("3", answers=[_spot(3, 4)]),
        "\r",
    )
    assert read(path, 100) == QuestionSet(
        (
            Question("1", "Who?", (place(0, 5), place(7, 9, "t.csv", "7"))),
            Question("2", "Кто\u2028?", ()),
            Question("3", "Who?", (place(3, 4),)),
        ),
        0,
    )


def test_all_bad_lines_are_named(tmp_path: Path) -> None:
    bad = {
        "{": "not JSON",
        "[]": "not a JSON object",
        json.dumps({"question": "Who?", "answers": []}): "'id' must be",
        json.dumps(_entry(question=" ", answers=[])): "'question' must be",
        json.dumps(_entry(question="x" * 101, answers=[])): "more than 100 characters",
        json.dumps(_entry(question="\ud800", answers=[])): "half a character",
        json.dumps(_entry()): "'answers' is missing",
        json.dumps(_entry(answers={})): "'answers' must be a list",
        json.dumps(_entry(answers=[5])): "answers[0] must be an object",
        json.dumps(_entry(answers=[_spot(), _spot(doc="")])): "answers[1]: 'doc'",
        json.dumps(_entry(answers=[_spot(5, 5)])): "answers[0]: 'start' and 'end'",
        json.dumps(_entry(answers=[_spot(-1, 5)])): "answers[0]: 'start' and 'end'",
        json.dumps(_entry(answers=[_spot(end=True)])): "answers[0]: 'start' and 'end'",
        json.dumps(_entry(answers=[_spot(0, 5.0)])): "answers[0]: 'start' and 'end'",
        json.dumps(_entry(wrong=[_spot(row=7)])): "wrong[0]: 'row'",
        json.dumps(_entry("good", "Why?", answers=[])): "id 'good' was that of another question",
        "[" * 99999: "not JSON",
    }
    path = _file(tmp_path, _entry("good", answers=[_spot()]), *bad)
    path.write_bytes(path.read_bytes() + b"\n\xff")
    with pytest.raises(QuestionsError) as caught:
        read(path, 100)
    title, *told = str(caught.value).splitlines()
    assert title == f"{path} has lines that cannot be used"
    expected = [*bad.values(), "not UTF-8"]
    assert len(told) == len(expected)
    for number, (line, message) in enumerate(zip(told, expected, strict=True), 2):
        assert line.startswith(f"  line {number}: ")
        assert message in line


def test_a_file_without_questions_is_refused(tmp_path: Path) -> None:
    with pytest.raises(QuestionsError, match="has no questions"):
        read(_file(tmp_path, "", " "), 100)
    with pytest.raises(QuestionsError, match="cannot be read"):
        read(tmp_path, 100)


@given(st.binary())
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.jsonl"
    path.write_bytes(content)
    with pytest.raises(QuestionsError):
        read(path, 100)


def test_judgements_of_a_question_are_one(tmp_path: Path) -> None:
    said = {"judged": "2026-01-01T00:00:00+00:00"}
    path = _file(
        tmp_path,
        _entry("1", "Stated?", answers=[_spot(0, 5)]),
        _entry("2", "Unanswered?", answers=[]),
        _entry("j1", "Stated?", answers=[_spot(7, 9)], **said),
        _entry("j3", "Judged?", answers=[_spot(0, 5)], **said),
        _entry("j3", "Judged?", answers=[_spot(7, 9)], **said),
        _entry("j3", "Judged?", wrong=[_spot(0, 5)], **said),
        _entry("j4", "Only wrong?", wrong=[_spot(0, 5)], **said),
        _entry("j5", "Taken back?", answers=[_spot(0, 5)], **said),
        _entry("j5", "Taken back?", wrong=[_spot(0, 5)], **said),
        _entry("j2", "Unanswered?", wrong=[_spot(0, 5)], **said),
    )
    assert read(path, 100) == QuestionSet(
        (
            Question("1", "Stated?", (place(0, 5), place(7, 9))),
            Question("2", "Unanswered?", (), (place(0, 5),)),
            Question("j3", "Judged?", (place(7, 9),), (place(0, 5),)),
        ),
        2,
    )


def test_what_the_page_keeps_can_be_measured(search: Canned, tmp_path: Path) -> None:
    zero, two, *_ = passages(search)
    kept = Judgements(tmp_path / "judged.jsonl")
    kept.record("Who?", two, "right")
    kept.record("Who?", zero, "wrong")
    kept.record("When?", zero, "wrong")
    asked = read(tmp_path / "judged.jsonl", 100)
    assert [question.question for question in asked.questions] == ["Who?"]
    search.tell("Who?", [zero, two])
    run = evaluate(search, asked)
    assert (run.left_out, run.outcomes[0].rank) == (1, 2)


# Command line


@pytest.fixture
def run(search: Canned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Run `qa eval` over two answered questions, found first and second, and one that is not answered."""
    import qa.retrieval.live

    class Live:
        def __init__(self, settings: Settings) -> None: ...

        def current(self) -> Canned:
            return search

    zero, two, *_ = passages(search)
    search.tell("First?", [zero, two], 0.9)
    search.tell("Second?", [two, zero], 0.8)
    search.tell("None?", [zero], 0.2)
    _file(
        tmp_path,
        _entry("1", "First?", answers=[_spot(0, 3)]),
        _entry("2", "Second?", answers=[_spot(0, 3)]),
        _entry("3", "None?", answers=[]),
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(qa.retrieval.live, "LiveSearcher", Live)

    def invoke(*words: str) -> Result:
        result = CliRunner().invoke(main, ["eval", "questions.jsonl", *words])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return invoke


def test_the_table(run) -> None:
    result = run()
    assert (result.exit_code, result.stderr) == (0, "")
    assert "questions   3: 2 answered by these documents, 1 not" in result.stdout
    assert "metric" in result.stdout
    rows = {row[0]: row[1:] for row in map(str.split, result.stdout.splitlines()) if row}
    assert rows["mrr@10"][0] == "0.750"
    assert rows["mrr@10"][1:] == ["0.500", "to", "1.000"]
    assert [name for name in rows if name in METRICS] == list(METRICS)


def test_json_and_what_is_kept(run, search: Canned, tmp_path: Path) -> None:
    first = json.loads(run("--json", "--write", "one.json", "-k", "5", "--mode", "lexical").stdout)
    assert (first["questions"], first["answerable"], first["k"], first["mode"]) == (3, 2, 5, "lexical")
    assert first["metrics"]["success@5"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    assert "mrr@10" not in first["metrics"]
    assert search.asked[-1].mode.value == "lexical"
    kept = json.loads((tmp_path / "one.json").read_text("utf-8"))
    assert [one["rank"] for one in kept["outcomes"]] == [1, 2, None]


def test_compare(run, search: Canned) -> None:
    run("--write", "one.json")
    order, sure = search.told["Second?"]
    search.tell("Second?", order[::-1], sure)
    shown = run("--compare", "one.json").stdout
    assert "Against one.json: 3 questions in common" in shown
    assert "p: paired randomisation test" in shown
    assert "Better (1)\n  2  rank 2 → rank 1  Second?" in shown
    assert "Worse (0)" in shown
    compared = json.loads(run("--compare", "one.json", "--json").stdout)["comparison"]
    assert compared["metrics"]["mrr@10"] == {"before": 0.75, "now": 1.0, "p": 1.0}


def test_fail_under_sets_the_exit_code(run) -> None:
    assert run("--fail-under", "mrr@10=.75", "--fail-under", "auroc=1").exit_code == 0
    result = run("--fail-under", "MRR@10=.9", "--fail-under", "brier=0.001", "--fail-under", "success@1=.1")
    assert result.exit_code == 1
    assert "metric" in result.stdout
    assert result.stderr == (
        "qa: mrr@10 is 0.7500, which is worse than 0.9\nqa: brier is 0.0300, which is worse than 0.001\n"
    )


@pytest.mark.parametrize(
    "words",
    [
        ["--fail-under", "mrr@9=.9"],
        ["--fail-under", "mrr@10"],
        ["--fail-under", "mrr@10=high"],
        ["--fail-under", "mrr@10=nan"],
        ["--compare", "nothing.json"],
        ["--compare", "questions.jsonl"],
        ["--write", "nowhere/one.json"],
        ["-k", "0"],
        ["--mode", "magic"],
    ],
)
def test_wrong_usage_exits_with_2_before_anything_is_asked(run, search: Canned, words: list[str]) -> None:
    result = run(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr
    assert not search.asked


def test_bad_lines_exit_with_2(run, tmp_path: Path) -> None:
    _file(tmp_path, "nonsense", _entry(answers=[]), "{}")
    result = run()
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("qa: questions.jsonl has lines that cannot be used\n  line 1: not JSON")
    assert "\n  line 3: 'id' must be" in result.stderr


def test_only_wrong_passages_cannot_be_measured(run, tmp_path: Path) -> None:
    _file(tmp_path, _entry(wrong=[_spot()]))
    result = run()
    assert (result.exit_code, result.stdout) == (2, "")
    assert "only wrong passages are known" in result.stderr
