"""The command line: what it prints, where, and with which exit code."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from corpus import write
from fake_encoder import StandIn

from qa import __version__
from qa.cli.commands import main
from qa.config import Settings
from qa.errors import BuildError
from qa.index import generation


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: Settings):
    """Run the command in the folder of ``docs`` and ``index``, without a real model."""
    import qa.embedding.loading
    import qa.retrieval.searcher

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(qa.embedding.loading, "load_encoder", lambda *_: StandIn())
    monkeypatch.setattr(
        qa.retrieval.searcher.LiveSearcher.__init__, "__defaults__", (lambda name: StandIn(),)
    )

    def invoke(*words: str) -> Result:
        result = CliRunner().invoke(main, words)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return invoke


def test_index_tells_what_it_did_and_exits_with_3_where_something_was_not_read(run) -> None:
    result = run("index", "docs")
    assert result.exit_code == 3
    assert result.stdout.startswith("5 documents, ")
    assert ", 1 file not read (" in result.stdout
    assert "not read: notes/people.jsonl, row bad: has no text" in result.stderr
    assert "not read" not in result.stdout.replace("file not read", "")


def test_one_of_a_kind_is_told_as_one(run, tmp_path: Path) -> None:
    write(tmp_path / "one", {"a.txt": "Rice was sold in the port."})
    said = run("index", "one").stdout
    assert re.fullmatch(
        r"1 document, 1 passage, \d\.\d seconds, 0 files not read \(.*; 1 passage embedded\)\n", said
    )
    assert "\n1 passage searched in " in run("ask", "Rice").stdout
    write(tmp_path / "one", {"b.txt": "Fish was sold too.", "c.txt": "", "d.txt": ""})
    said = run("index", "one").stdout
    assert said.startswith("2 documents, 2 passages, ")
    assert ", 2 files not read (" in said
    assert "\n2 passages searched in " in run("ask", "Rice").stdout


def test_index_exits_with_0_where_all_was_read(run, tmp_path: Path) -> None:
    write(tmp_path / "good", {"a.txt": "Rice was sold in the port."})
    assert run("index", "good", "--index", "other").exit_code == 0
    assert (tmp_path / "other" / "CURRENT").is_file()
    assert "nothing has changed" in run("index", "good", "--index", "other").stdout


def test_many_failures_are_listed_in_part(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generation, "MOST_FAILURES", 105)
    write(tmp_path / "bad", {"a.jsonl": "{}\n" * 3_000, "b.txt": ""} | {f"c{n}.txt": "" for n in range(9)})
    write(tmp_path / "bad", {"good.txt": "Rice was sold in the port."})
    result = run("index", "bad")
    assert ", 11 files not read (" in result.stdout
    lines = result.stderr.splitlines()
    assert len(lines) == 106
    assert lines[99:101] == [
        "not read: a.jsonl, row 100: has no text",
        "not read: a.jsonl: 2,900 more rows cannot be read",
    ]
    assert lines[-1] == "not read: 6 more, not named here: `qa status --files` lists every file"
    status = run("status").stdout
    assert "\nnot read    3010\n" in status
    assert "\n  6 more, not named here" in status
    summary = json.loads(run("status", "--json").stdout)
    assert (len(summary["failures"]), summary["failure_count"], summary["unread_files"]) == (105, 3010, 11)
    assert "  failed  " in run("status", "--files").stdout


def test_index_as_json(run) -> None:
    report = json.loads(run("index", "docs", "--json").stdout)
    assert report["documents"] == 5
    assert report["changed"] is True
    assert report["failures"] == [{"path": "notes/people.jsonl", "reason": "has no text", "row": "bad"}]


def test_watch_tells_of_each_build_and_of_what_went_wrong(
    run, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    def follow(docs: Path, build_, complain, stop, **_) -> None:
        assert docs == Path("docs")
        build_()
        complain(BuildError("it cannot be written"))
        write(settings.docs, {"new.txt": "Something new."})
        build_()
        handlers[signal.SIGTERM]()
        assert stop.is_set()
        raise KeyboardInterrupt

    handlers = {}
    monkeypatch.setattr(signal, "signal", handlers.__setitem__)
    monkeypatch.setattr("qa.indexing.watch.watch", follow)
    result = run("watch", "docs")
    assert result.exit_code == 0
    assert [line.split(",")[0] for line in result.stdout.splitlines()] == ["5 documents", "6 documents"]
    assert "qa: it cannot be written\n" in result.stderr


def test_index_without_documents_fails(run) -> None:
    result = run("index", "nowhere")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "qa: the documents folder nowhere is not there\n"


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


def test_status_and_verify(run, built: Path) -> None:
    status = run("status")
    assert status.exit_code == 0
    assert built.name in status.stdout
    assert "documents   5" in status.stdout
    assert "notes/people.jsonl, row bad: has no text" in status.stdout
    assert json.loads(run("status", "--json").stdout)["generation"] == built.name
    assert "\nfiles       3 indexed, 1 partly, 0 failed, 0 skipped, 0 gone\n" in status.stdout
    assert run("verify").stdout == f"{built.name} is whole\n"
    assert json.loads(run("verify", "--json").stdout) == {"generation": built.name, "whole": True}


def test_status_lists_every_file_ever_seen(run, tmp_path: Path) -> None:
    write(tmp_path / "docs", {"a\nb\x1b[2J.txt": "", "photo.jpg": "x"})
    run("index", "docs")
    status = run("status", "--files").stdout
    assert "\nfiles       3 indexed, 1 partly, 1 failed, 1 skipped, 0 gone\n" in status
    assert re.search(r"^  failed  \S+  a\\nb\\x1b\[2J.txt: holds no text$", status, re.MULTILINE)
    assert re.search(r"^  skipped \S+  photo.jpg: is of no kind that can be read$", status, re.MULTILINE)
    assert re.search(r"^  indexed \S+  trade.md$", status, re.MULTILINE)
    found = json.loads(run("status", "--files", "--json").stdout)
    assert found["ledger"]["counts"]["skipped"] == 1
    assert {entry["path"] for entry in found["files"]} >= {"photo.jpg", "trade.md"}


def test_verify_of_a_damaged_index_fails_and_index_mends_it(run, built: Path) -> None:
    path = built / "sentences.int16"
    path.write_bytes(path.read_bytes()[:-1] + b"\x55")
    result = run("verify")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "sentences.int16" in result.stderr
    assert "run `qa index`" in result.stderr
    assert run("index", "docs").exit_code == 3
    assert run("verify").exit_code == 0


@pytest.mark.parametrize("words", [["ask", "Rice?"], ["status"], ["verify"]])
def test_without_an_index_the_message_says_what_to_do(run, words: list[str]) -> None:
    result = run(*words)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "qa: there is no index in index: run `qa index`\n"


@pytest.mark.parametrize(
    "words",
    [
        ["ask"],
        ["ask", ""],
        ["ask", " \n"],
        ["ask", "x" * 1001],
        ["ask", "Rice?", "-k", "0"],
        ["ask", "Rice?", "-k", "101"],
        ["ask", "Rice?", "--mode", "magic"],
        ["index", "a", "b"],
        ["serve", "--port", "99999"],
        ["nonsense"],
        ["status", "--nonsense"],
    ],
)
def test_wrong_usage_exits_with_2(run, built: Path, words: list[str]) -> None:
    result = run(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr


def test_a_setting_that_cannot_be_used_is_wrong_usage(run, tmp_path: Path) -> None:
    (tmp_path / "qa.toml").write_text("prot = 1")
    result = run("status")
    assert result.exit_code == 2
    assert result.stderr.startswith("qa: qa.toml sets 'prot'")


def test_version_and_help(run) -> None:
    assert run("--version").stdout == f"qa, version {__version__}\n"
    help_ = run("--help").stdout
    for command in ("index", "serve", "ask", "status", "verify"):
        assert f"\n  {command} " in help_
    assert run("index", "-h").exit_code == 0


def test_it_also_runs_as_a_module(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "qa", "status"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == "qa: there is no index in index: run `qa index`\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        *(
            (
                ("serve", flag, value),
                f"qa: the command line sets {flag[2:].replace('-', '_')} to '{value}', which is ",
            )
            for flag, value in (
                *(("--rate-limit", "often"), ("--cors", "*"), ("--store", "somewhere"), ("--docs", "")),
                *(("--index", ""), ("--host", ""), ("--judgements", "")),
            )
        ),
        (("index", ""), "qa: the command line sets docs to '', which is empty"),
        (("watch", ""), "qa: the command line sets docs to '', which is empty"),
        (("ask", "x", "--index", ""), "qa: the command line sets index to '', which is empty"),
        (
            ("status", "--store", "milvus+"),
            "qa: the command line sets store to 'milvus+', which is not a store",
        ),
    ],
)
def test_a_flag_that_cannot_be_used_is_told_before_anything_is_done(
    run, words: tuple[str, ...], told: str
) -> None:
    result = run(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(told)
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "value"), [("QA_PROXIES", "proxy"), ("QA_HOSTS", "http://x"), ("QA_DOCS", "")]
)
@pytest.mark.parametrize("command", ["serve", "index", "status"])
def test_a_variable_that_cannot_be_used_is_told_by_every_command(
    run, monkeypatch: pytest.MonkeyPatch, command: str, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    result = run(command)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"qa: the environment sets {name[3:].lower()} to '{value}', which is ")


def test_revoking_the_last_key_says_what_follows(run) -> None:
    run("key", "create", "One")
    run("key", "create", "Two")
    one, two = (line.split()[0] for line in run("key", "list").stdout.splitlines())
    assert run("key", "revoke", one).stderr == ""
    revoked = run("key", "revoke", two)
    assert (revoked.exit_code, revoked.stdout) == (0, "Two has no key any more\n")
    assert "nobody may ask until you make another" in revoked.stderr
    assert run("key", "list").stdout == ""


@pytest.mark.parametrize(
    "words",
    [
        ["ask", "a\udcff"],
        ["ask", "Rice", "--source", "\udcff"],
        ["ask", "Rice", "--language", "\udcff"],
        ["ask", "Rice", "--path", "\udcff"],
        ["key", "create", "\udcff"],
    ],
)
def test_bytes_that_are_not_utf_8_are_wrong_usage(run, built: Path, words: list[str]) -> None:
    result = run(*words)
    assert result.exit_code == 2
    assert "it is not UTF-8" in result.stderr


@pytest.mark.parametrize("name", ["", " "])
def test_a_key_needs_a_name(run, name: str) -> None:
    result = run("key", "create", name)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "a key needs a name" in result.stderr


@pytest.mark.parametrize("command", ["index", "watch"])
def test_a_file_in_place_of_the_documents_folder_is_called_one(run, tmp_path: Path, command: str) -> None:
    write(tmp_path, {"book.txt": "Rice."})
    result = run(command, "book.txt")
    assert result.exit_code == 1
    assert result.stderr == "qa: the documents folder book.txt is a file, not a folder\n"


def test_a_backup_says_what_is_not_in_it(run, built: Path, tmp_path: Path) -> None:
    result = run("backup", "a.tar", "--with-keys", "--judgements", "none.jsonl")
    assert result.exit_code == 0
    assert "none.jsonl is not there, and so not in the backup" in result.stderr
    assert "keys.json is not there, and so not in the backup" in result.stderr
    assert "not there" not in run("backup", "b.tar").stderr
