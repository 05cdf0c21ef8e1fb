"""The answer to one question, in the terminal and as JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from evaluation.canned import passages, two_documents

import qa.api
from qa.cli.ask_command import _hit_lines
from qa.config import Settings
from qa.index import generation
from qa.types import Answer, Document, Hit, Metadata, Passage, Span


def test_ask_shows_passages_with_their_source(run, built: Path) -> None:
    result = run("ask", "How many students from Cambodia study in Moscow?", "-k", "2")
    assert result.exit_code == 0
    assert "1. " in result.stdout
    assert "envoy.txt, characters " in result.stdout
    assert "ninety students from Cambodia" in result.stdout
    assert "3. " not in result.stdout


def test_ask_as_json_has_passages_that_are_slices(run, built: Path, settings: Settings) -> None:
    answer = json.loads(run("ask", "Rice from Battambang", "--json", "-k", "3").stdout)
    store = generation.load(built).store
    assert len(answer["results"]) == 3
    for result in answer["results"]:
        text = store.text(result["document"]["id"])
        assert text[result["char_start"] : result["char_end"]] == result["text"]


def test_ask_filters(run, built: Path) -> None:
    for flags, paths in (
        (("--path", "ru"), {"ru/visit.txt"}),
        (("--source", "тасс"), {"ru/visit.txt"}),
        (("--language", "en", "--path", "*.md"), {"trade.md"}),
    ):
        answer = json.loads(run("ask", "Cambodia", "--json", *flags).stdout)
        assert {result["document"]["path"] for result in answer["results"]} == paths


@pytest.mark.parametrize("confidence", [0.02, 0.999])
def test_the_confidence_is_named_for_what_it_is(
    run, monkeypatch: pytest.MonkeyPatch, confidence: float
) -> None:
    search = two_documents()
    search.set_result("Rice?", passages(search), confidence)
    monkeypatch.setattr(qa.api, "LiveSearcher", lambda _: SimpleNamespace(current=lambda: search))
    first, *_, last_but_one, last = run("ask", "Rice?").stdout.splitlines()
    assert last_but_one == "9 passages searched in 0 ms"
    if confidence > 0.5:
        assert first.startswith("1. ")
        assert last == "Confidence that the first results answer the question: 99%"
    else:
        assert first == (
            "These documents don't seem to answer that (2% chance that they do). The nearest passages:"
        )
        assert last == "Confidence that the first results answer the question: 2%"


@pytest.mark.parametrize("confidence", [0.3, 0.8])
@pytest.mark.parametrize("model", ["all-MiniLM-L6-v2", "multilingual-e5-small"])
def test_no_confidence_is_named_where_the_model_cannot_read(
    run, monkeypatch: pytest.MonkeyPatch, confidence: float, model: str
) -> None:
    search = two_documents()
    search.set_result("Рис?", passages(search), confidence)
    search.unread = {"Рис?"}
    search.changes = {"index": replace(search.info, model=model)}
    monkeypatch.setattr(qa.api, "LiveSearcher", lambda _: SimpleNamespace(current=lambda: search))
    output = run("ask", "Рис?").stdout
    first, *_, last = output.splitlines()
    assert "%" not in output
    if confidence < 0.5:
        assert first == "These documents don't seem to answer that. The nearest passages:"
    advice = ". A multilingual one reads a hundred languages: qa index --model multilingual-e5-small"
    assert last == (
        f"Matched by words only: the model {model} cannot read this question"
        f"{advice if model == 'all-MiniLM-L6-v2' else ''}"
    )
    assert run("ask", "Рис?", "--mode", "dense").stdout.splitlines()[-1].startswith(f"The model {model} ")
    answer = json.loads(run("ask", "Рис?", "--json").stdout)
    assert answer["language_support"] == "words"


def test_a_hit_shows_its_provenance_and_the_answering_sentence_in_bold() -> None:
    metadata = Metadata(title="A title", source="TASS", dateline="HANOI, July 3.")
    document = Document("d", "a/b.txt", "text/plain", "0" * 64, metadata, 100, 1)
    sentences = (Span(10, 19), Span(20, 30))
    passage = Passage("d:10-30", document, Span(10, 30), "One here.\nTwo there.", sentences, page=7)
    hit = Hit(3, passage, 1.0, {}, (Answer("Two there.", Span(20, 30), 0.5),))
    assert _hit_lines(hit) == [
        "3. A title · TASS · HANOI, July 3. · page 7",
        "   a/b.txt, characters 10 to 30",
        "   One here. \x1b[1mTwo there.\x1b[0m",
    ]
    recognised = replace(hit, passage=replace(passage, certainty=0.914))
    assert _hit_lines(recognised)[0] == (
        "3. A title · TASS · HANOI, July 3. · page 7 · recognised from a picture, certainty 91%"
    )


def test_a_phrase_that_stands_nowhere_is_said(run, built: Path) -> None:
    result = run("ask", 'students "study in Paris"')
    assert result.stdout.splitlines() == [
        '"study in Paris" stands nowhere in these documents.',
        "Without the quotes: qa ask 'students study in Paris'",
    ]
    both = run("ask", '"study in Moscow" -students').stdout
    assert both.startswith(
        'No passage that passes the filters is with "study in Moscow" and without "students".'
    )


def test_only_phrases_claim_no_confidence(run, built: Path) -> None:
    last = run("ask", '"STUDY in Moscow"').stdout.splitlines()[-1]
    assert last.startswith("1 passage searched in ")
    assert run("ask", "--", "-Cambodia").stdout.startswith("Passages without these words, in the order")
