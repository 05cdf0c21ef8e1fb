"""``qa replay`` and ``qa diff`` in the terminal, as JSON, and by their exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fake_encoder import StandIn

from qa.config import Settings
from qa.indexing.build import build

_QUESTION = "How many students from Cambodia study in Moscow?"


@pytest.fixture
def changed(run, built: Path, settings: Settings) -> str:
    """Record a search, then change the document that answers; return the generation before."""
    run("ask", _QUESTION, "-k", "2", "--record", "r.json")
    assert run("replay", "r.json", "--fail-on-change").exit_code == 0
    path = settings.docs / "envoy.txt"
    path.write_bytes(path.read_bytes().replace(b"ninety students", b"a hundred young students"))
    build(settings, StandIn())
    return built.name


def test_replay_says_what_became_of_every_result(run, changed: str) -> None:
    result = run("replay", "r.json")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == _QUESTION
    assert changed in lines[1]
    [altered] = [line for line in lines if line.startswith("altered")]
    assert "envoy.txt, characters" in altered
    assert lines[-1].startswith("1 altered, 1 ")
    assert run("replay", "r.json", "--fail-on-change").exit_code == 1


def test_replay_as_json(run, changed: str) -> None:
    answer = json.loads(run("replay", "r.json", "--json").stdout)
    assert answer["recorded"]["generation"] == changed != answer["generation"]
    assert not answer["unchanged"]
    [altered] = [each for each in answer["results"] if each["verdict"] == "altered"]
    assert altered["was"]["path"] == altered["now"]["path"] == "envoy.txt"


def test_a_file_that_is_no_record_is_wrong_usage(run, built: Path, tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text("{}")
    result = run("replay", "r.json")
    assert result.exit_code == 2
    assert "r.json is not the record of a search" in result.stderr


def test_diff_names_documents_and_counts_passages(run, changed: str) -> None:
    result = run("diff", changed)
    assert result.stdout.splitlines() == [
        "changed envoy.txt: passages: 0 added, 1 changed, 0 removed",
        "documents   1 changed",
        "passages    0 added, 1 changed, 0 removed",
    ]
    assert run("diff", changed, changed).stdout.splitlines()[0] == "documents   none changed"
    [document] = json.loads(run("diff", changed, "--json").stdout)["documents"]
    assert (document["change"], document["path"]) == ("changed", "envoy.txt")
    missing = run("diff", "nothing")
    assert missing.exit_code == 1
    assert "has no generation 'nothing'" in missing.stderr
