"""The answer to one question, in the terminal and as JSON."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from evaluation.canned import passages, two_documents
from fake_encoder import StandIn
from werkzeug.datastructures import MultiDict

import qa.api
from qa.cli.described_answer import hit_lines
from qa.config import Settings
from qa.index import generation
from qa.retrieval.live import LiveSearcher
from qa.types import Answer, Document, Hit, Metadata, Passage, Span
from qa.web import create_app


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
    first, second, *_, last_but_one, last = run("ask", "Rice?").stdout.splitlines()
    assert last_but_one == "9 passages searched in 0 ms"
    if confidence > 0.5:
        assert first.startswith("1. ")
        assert last == "Confidence that the first results answer the question: 99%"
    else:
        assert f"{first} {second}" == (
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
    first, *_ = output.splitlines()
    assert "%" not in output
    if confidence < 0.5:
        assert first == "These documents don't seem to answer that. The nearest passages:"
    advice = ". A multilingual one reads a hundred languages: qa index --model multilingual-e5-small"
    assert " ".join(output.split()).endswith(
        f"Matched by words only: the model {model} cannot read this question"
        f"{advice if model == 'all-MiniLM-L6-v2' else ''}"
    )
    assert f"\nThe model {model} " in run("ask", "Рис?", "--mode", "dense").stdout
    answer = json.loads(run("ask", "Рис?", "--json").stdout)
    assert answer["language_support"] == "words"


def test_a_hit_shows_its_provenance_and_marks_the_answering_sentence() -> None:
    metadata = Metadata(title="A title", source="TASS", dateline="HANOI, July 3.")
    document = Document("d", "a/b.txt", "text/plain", "0" * 64, metadata, 100, 1)
    sentences = (Span(10, 19), Span(20, 30))
    passage = Passage("d:10-30", document, Span(10, 30), "One here.\nTwo there.", sentences, page=7)
    hit = Hit(3, passage, 1.0, {}, (Answer("Two there.", Span(20, 30), 0.5),))
    assert hit_lines(hit) == [
        "3. A title · TASS · HANOI, July 3. · page 7",
        "   a/b.txt, characters 10 to 30",
        "   One here. **Two there.**",
    ]
    recognised = replace(hit, passage=replace(passage, certainty=0.914))
    assert " ".join(hit_lines(recognised)[:2]) == (
        "3. A title · TASS · HANOI, July 3. · page 7 · recognised from a picture,    certainty 91%"
    )


def test_a_phrase_that_stands_nowhere_is_said(run, built: Path) -> None:
    result = run("ask", 'students +"study in Paris"')
    assert result.stdout.splitlines() == [
        '"study in Paris" stands nowhere in these documents.',
        "Without the quotes: qa ask 'students study in Paris'",
    ]
    assert run("ask", '"study in Paris"').stdout.startswith('"study in Paris" stands nowhere')
    words = run("ask", 'students "study in Paris"').stdout
    assert words.startswith('"study in Paris" stands nowhere in these documents. Its words were searched')
    assert "passages searched" in words
    filtered = run("ask", 'students "study in Paris"', "--source", "Nobody").stdout
    assert filtered.startswith('"study in Paris" stands nowhere in these documents.\n')
    assert "searched instead" not in filtered
    both = run("ask", '"study in Moscow" -students').stdout
    assert both.startswith('There is no passage with "study in Moscow" and without "students".')


def test_filters_that_nothing_passes_are_said(run, built: Path) -> None:
    assert run("ask", "students in Moscow", "--source", "Nobody").stdout.splitlines() == [
        "No passage passes the filters. Try fewer or different ones."
    ]


def test_only_phrases_claim_no_confidence(run, built: Path) -> None:
    last = run("ask", '"STUDY in Moscow"').stdout.splitlines()[-1]
    assert last.startswith("1 passage searched in ")
    assert run("ask", "--", "-Cambodia").stdout.startswith("Passages without these words, in the order")


def test_ask_takes_every_filter_of_the_api(run, built: Path) -> None:
    for flags, paths in (
        (("--type", "md"), {"trade.md"}),
        (("--type", "text/markdown"), {"trade.md"}),
        (("--from", "2019-01-01", "--to", "2019-12-31"), {"trade.md"}),
        (("--to", "2018-01-01"), {"ru/visit.txt"}),
    ):
        answer = json.loads(run("ask", "Cambodia", "--json", *flags).stdout)
        assert {result["document"]["path"] for result in answer["results"]} == paths
    first = json.loads(run("ask", "Cambodia", "--json").stdout)["results"]
    document = first[0]["document"]["id"]
    only = json.loads(run("ask", "Cambodia", "--json", "--document", document).stdout)["results"]
    assert {result["document"]["id"] for result in only} == {document}
    rest = json.loads(run("ask", "Cambodia", "--json", "--offset", "1").stdout)["results"]
    assert rest[0]["id"] == first[1]["id"]
    assert json.loads(run("ask", "Paris?", "--json", "--min-confidence", "1").stdout)["results"] == []


def test_lines_fit_eighty_columns(run, built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    output = run("ask", "How many students from Cambodia study in Moscow?").stdout
    assert max(map(len, output.splitlines())) <= 80


def test_a_search_is_recorded_once(run, built: Path, tmp_path: Path) -> None:
    assert run("ask", "Rice?", "--record", "r.json").exit_code == 0
    written = (tmp_path / "r.json").read_bytes()
    again = run("ask", "Rice?", "--record", "r.json")
    assert again.exit_code == 2
    assert "r.json exists: a record is never replaced" in again.stderr
    assert (tmp_path / "r.json").read_bytes() == written


def test_the_command_without_quotes_keeps_the_options(run, built: Path) -> None:
    flags = [
        "-k",
        "3",
        "--language",
        "en",
        "--path",
        "*.md",
        "--path",
        "a b",
        "--to",
        "2030-01-01",
        "--facets",
    ]
    output = run("ask", 'students +"study in Paris"', *flags, "--record", "r.json").stdout
    command = output.splitlines()[-1].removeprefix("Without the quotes: ")
    assert shlex.split(command) == ["qa", "ask", "students study in Paris", *flags]
    assert run(*shlex.split(command)[1:]).exit_code == 0
    output = run("ask", "--mode", "lexical", "--", '-Brazil "study in Paris"').stdout
    command = output.splitlines()[-1].removeprefix("Without the quotes: ")
    assert shlex.split(command) == ["qa", "ask", "--mode", "lexical", "--", "-Brazil study in Paris"]
    assert run(*shlex.split(command)[1:]).exit_code == 0


@pytest.mark.parametrize(
    "flags",
    [
        ["--sort", "date"],
        ["--sort", "date", "--offset", "1", "--facets"],
        ["--group", "document", "--count"],
        ["--facets", "--path", "*.md"],
    ],
    ids=" ".join,
)
def test_ask_arranges_and_counts_as_the_api_does(
    run, built: Path, settings: Settings, flags: list[str]
) -> None:
    fields = MultiDict([("q", "Cambodia"), ("k", "3")])
    for flag, value in zip(flags, [*flags[1:], ""], strict=True):
        if flag.startswith("--"):
            fields.add(flag[2:], "true" if value.startswith("--") or not value else value)
    live = LiveSearcher(settings, lambda _: StandIn())
    client = create_app(settings, live.current).test_client()
    wanted = client.get("/api/v1/search", query_string=fields).get_json()
    answer = json.loads(run("ask", "Cambodia", "-k", "3", "--json", *flags).stdout)
    for each in (wanted, answer):
        for name in ("took_ms", "next", "prev"):
            each.pop(name, None)
    assert answer == wanted
    assert answer["results"]


def test_documents_are_printed_with_their_best_passage(run, built: Path) -> None:
    answer = json.loads(run("ask", "Cambodia", "--group", "document", "--json").stdout)
    lines = run("ask", "Cambodia", "--group", "document").stdout.splitlines()
    assert [line.split(". ")[0] for line in lines if re.match(r"\d+\. ", line)] == [
        str(rank) for rank, _ in enumerate(answer["results"], 1)
    ]
    several = [len(each["passages"]) - 1 for each in answer["results"] if len(each["passages"]) > 1]
    assert several
    assert [int(m[1]) for line in lines if (m := re.match(r" +and (\d+) more passage", line))] == several


def test_counts_are_printed(run, built: Path) -> None:
    answer = json.loads(run("ask", "Cambodia", "--facets", "--json").stdout)
    output = run("ask", "Cambodia", "--facets").stdout
    assert f"\n{answer['hits']} passages bear on the question\n" in output
    shown = [field for field in ("source", "language", "type", "folder") if answer["facets"][field]]
    assert len(shown) > 1
    for field in shown:
        name = {"source": "Publisher"}.get(field, field.capitalize())
        [line] = [line for line in output.splitlines() if line.startswith(f"{name} ")]
        assert line.split(maxsplit=1)[1] == ", ".join(
            f"{each['value']} {each['count']}" for each in answer["facets"][field]
        )
    assert "Language" not in run("ask", "Cambodia", "--count").stdout
    nothing = run("ask", "zzz qqq", "--sort", "date").stdout
    assert "\nNo passage bears on the question\n" in nothing


def test_an_arranged_search_is_recorded_as_it_was_printed(run, built: Path, tmp_path: Path) -> None:
    flags = ("--sort", "date", "--group", "document", "-k", "2")
    printed = run("ask", "Cambodia", *flags, "--record", "r.json").stdout
    replayed = run("replay", "r.json", "--fail-on-change")
    assert replayed.exit_code == 0
    assert replayed.stdout.splitlines()[-1].endswith(" same")
    first = json.loads((tmp_path / "r.json").read_text("utf-8"))["results"][0]
    assert f"{first['path']}, characters {first['char_start']} to" in printed
