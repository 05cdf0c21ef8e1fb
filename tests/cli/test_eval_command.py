"""`qa eval`: tables, JSON, saved outcomes and exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from evaluation.canned import (
    Canned,
    entry,
    passages,
    spot,
    two_documents,
    write_lines,
)

from qa.cli.commands import main
from qa.config import Settings
from qa.evaluation.measures import METRICS


@pytest.fixture
def search() -> Canned:
    return two_documents()


@pytest.fixture
def run(search: Canned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Run `qa eval` over two answered questions, found first and second, and one that is not answered."""
    import qa.retrieval.live

    class Live:
        def __init__(self, settings: Settings) -> None: ...

        def current(self) -> Canned:
            return search

    zero, two, *_ = passages(search)
    search.set_result("First?", [zero, two], 0.9)
    search.set_result("Second?", [two, zero], 0.8)
    search.set_result("None?", [zero], 0.2)
    write_lines(
        tmp_path,
        entry("1", "First?", answers=[spot(0, 3)]),
        entry("2", "Second?", answers=[spot(0, 3)]),
        entry("3", "None?", answers=[]),
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
    assert search.queries[-1].mode.value == "lexical"
    kept = json.loads((tmp_path / "one.json").read_text("utf-8"))
    assert [one["rank"] for one in kept["outcomes"]] == [1, 2, None]


def test_compare(run, search: Canned) -> None:
    run("--write", "one.json")
    order, sure = search.results["Second?"]
    search.set_result("Second?", order[::-1], sure)
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
    assert not search.queries


def test_bad_lines_exit_with_2(run, tmp_path: Path) -> None:
    write_lines(tmp_path, "nonsense", entry(answers=[]), "{}")
    result = run()
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("qa: questions.jsonl has lines that cannot be used\n  line 1: not JSON")
    assert "\n  line 3: 'id' must be" in result.stderr


def test_only_wrong_passages_cannot_be_measured(run, tmp_path: Path) -> None:
    write_lines(tmp_path, entry(wrong=[spot()]))
    result = run()
    assert (result.exit_code, result.stdout) == (2, "")
    assert "only wrong passages are known" in result.stderr
