"""The examples run against a real service over the demo corpus."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
from demo_service import demo_service
from pages import ROOT

EXAMPLES = ROOT / "examples"
QUESTION = "How large was the trade turnover with Cambodia in 2018?"
UNANSWERED = "What does a tourist visa for Angkor Wat cost?"
ANSWER = (
    "In 2018 the trade turnover of the two countries was 21.5% higher than the year before "
    "and passed the mark of $202 million."
)
PASSAGE = "706ee169cf782e6d:1457-1579"

_PERMALINK = re.compile(r"http://\S+quote=[0-9a-f]+\S*")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a service over the demo corpus."""
    with demo_service(tmp_path_factory.mktemp("examples")) as address:
        yield address


def run(*command: str | Path, expect: int = 0) -> str:
    process = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert process.returncode == expect, process.stdout + process.stderr
    return process.stdout + process.stderr


def ask(question: str, address: str, expect: int = 0) -> str:
    command = [sys.executable, EXAMPLES / "ask.py", question, "--address", address, "-k", "1"]
    return run(*command, expect=expect)


def verify(*arguments: str, expect: int = 0) -> str:
    return run(sys.executable, EXAMPLES / "verify_citation.py", *arguments, expect=expect)


def test_ask_quotes_the_answer_with_source_and_permalink(address: str) -> None:
    printed = ask(QUESTION, address)
    assert printed.startswith(f"1. “{ANSWER}” — Envoy: ")
    assert "Demo corpus, after TASS" in printed
    assert _PERMALINK.search(printed)[0].startswith(
        f"{address}/documents/706ee169cf782e6d?start=1457&end=1579"
    )


def test_ask_says_when_nothing_answers(address: str) -> None:
    assert "don't seem to answer that" in ask(UNANSWERED, address, expect=1)


def test_ask_names_no_chance_where_the_model_cannot_read(address: str) -> None:
    printed = ask("Кто изобрёл дирижабль?", address, expect=1)
    assert printed.startswith("These documents don't seem to answer that.")


def test_ask_names_a_service_that_is_not_there() -> None:
    assert "http://127.0.0.1:9 doesn't answer" in ask(QUESTION, "http://127.0.0.1:9", expect=2)


def test_ask_shows_the_reason_of_a_refusal(address: str) -> None:
    assert ask("long " * 300, address, expect=2).startswith("422: ")


def test_a_permalink_that_ask_prints_stands(address: str) -> None:
    permalink = _PERMALINK.search(ask(QUESTION, address))[0]
    printed = verify(permalink)
    assert ANSWER in printed
    assert "stands, byte for byte" in printed


def test_a_permalink_to_other_characters_does_not_stand(address: str) -> None:
    permalink = _PERMALINK.search(ask(QUESTION, address))[0]
    assert "does not say that" in verify(permalink.replace("start=1457", "start=1458"), expect=1)


def test_a_permalink_to_an_earlier_file_says_that_it_has_changed(address: str) -> None:
    permalink = f"{address}/documents/706ee169cf782e6d?start=1457&end=1579&sha=000000000000"
    digest = hashlib.sha256(ANSWER.encode()).hexdigest()[:16]
    printed = verify(f"{permalink}&quote={digest}0")
    assert "The file has changed" in printed
    assert "stands, byte for byte" in printed


def test_a_passage_is_checked_by_its_text(address: str) -> None:
    verify(PASSAGE, "--text", ANSWER, "--address", address)
    verify(PASSAGE, "--text", ANSWER.replace("21.5", "22.5"), "--address", address, expect=1)


def test_a_passage_alone_is_not_enough(address: str) -> None:
    assert "--text" in verify(PASSAGE, "--address", address, expect=1)


def test_the_examples_in_the_description_of_the_api_answer_each_other(address: str) -> None:
    def get(path: str) -> Any:
        with urlopen(address + path) as response:
            return json.load(response)

    paths = get("/openapi.json")["paths"]
    examples = {
        path: [(one["name"], one["example"]) for one in item["get"].get("parameters", ()) if "example" in one]
        for path, item in paths.items()
        if "get" in item
    }
    answer = get(f"/api/v1/search?{urlencode(examples['/api/v1/search'], doseq=True)}")
    assert answer["answerable"]
    ((_, passage_id),) = examples["/api/v1/passages/{passage_id}"]
    passage = get(f"/api/v1/passages/{passage_id}")
    assert answer["results"][0]["id"] == passage["id"]
    listed = get(f"/api/v1/documents?{urlencode(examples['/api/v1/documents'], doseq=True)}")
    assert [document["id"] for document in listed["documents"]] == [passage["document"]["id"]]


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_the_shell_program_quotes_passages(address: str) -> None:
    printed = run("sh", EXAMPLES / "ask.sh", QUESTION, address)
    assert ANSWER in printed.splitlines()[0]
    assert len(_PERMALINK.findall(printed)) == 3
    run("sh", EXAMPLES / "ask.sh", UNANSWERED, address, expect=1)


@pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")
def test_the_javascript_program_quotes_the_answer(address: str) -> None:
    printed = run("node", EXAMPLES / "ask.mjs", QUESTION, address)
    assert printed.startswith(f"1. “{ANSWER}”\n   Envoy: ")
    run("node", EXAMPLES / "ask.mjs", UNANSWERED, address, expect=1)
