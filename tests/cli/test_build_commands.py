"""What the commands that build print, where, and with which exit code."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path

import pytest
from corpus import write
from fake_encoder import Anglophone

from qa.config import Settings
from qa.errors import BuildError
from qa.index import generation
from qa.indexing import calibrating


def test_index_reports_what_it_did_and_exits_with_3_if_something_was_not_read(run) -> None:
    result = run("index", "docs")
    assert result.exit_code == 3
    assert result.stdout.startswith("5 documents, ")
    assert ", 1 file not read (" in result.stdout
    assert "not read: notes/people.jsonl, row bad: has no text" in result.stderr
    assert "not read:" not in result.stdout


def test_index_ends_with_what_was_left_out_and_what_was_read_in_part(run, tmp_path: Path) -> None:
    odd = {"a.psd": "x", "b.PSD": "x", "c/d.exe": "x", "LICENCE": "x", ".hidden": "x"}
    rows = '{"text": "Rice was sold in the port."}\n{}\n'
    write(tmp_path / "mixed", odd | {"rows.jsonl": rows, "good.txt": "Fish was sold in the port."})
    left_out = "4 files of kinds that are not read: .psd 2, without a suffix 1, .exe 1"
    partly = "1 file was read in part: rows.jsonl (see `qa status --files`)"
    assert run("index", "mixed").stdout.endswith(f")\n{left_out}\n{partly}\n")
    assert f"\n  {left_out}\n  {partly}\n" in run("status").stdout
    report = json.loads(run("index", "mixed", "--json").stdout)
    assert report["left_out"] == {".psd": 2, "": 1, ".exe": 1}
    assert (report["partly_read"], report["partly"]) == (1, ["rows.jsonl"])
    assert json.loads(run("status", "--json").stdout)["ledger"]["left_out"] == report["left_out"]


def test_index_ends_with_the_languages_that_the_model_cannot_read(
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qa.embedding.loading.load_encoder", lambda *_: Anglophone())
    english = {f"{n}.txt": f"The ferry {n} runs twice a day between the islands in summer." for n in range(3)}
    russian = {"ru.txt": "Паром между островами ходит летом дважды в день, а зимой только по понедельникам."}
    line = (
        "1 of 4 passages are in languages that the model all-MiniLM-L6-v2 cannot read (Russian 1): "
        "they are matched by words only. To read them: qa index --model multilingual-e5-small"
    )
    write(tmp_path / "mixed", english | russian)
    assert run("index", "mixed").stdout.endswith(f")\n{line}\n")
    assert run("index", "mixed").stdout.endswith(f"nothing has changed; 0 passages embedded)\n{line}\n")
    assert json.loads(run("index", "mixed", "--json").stdout)["illegible"] == {"ru": 1}
    assert json.loads(run("status", "--json").stdout)["ledger"]["illegible"] == {"ru": 1}
    said = line.replace("all-MiniLM-L6-v2", "stand-in")
    assert f"\nlanguages   {said}\n" in run("status").stdout
    write(tmp_path / "mixed", {f"more{n}.txt": f"The ferry {n} runs twice a day." for n in range(9)})
    assert "languages" not in run("index", "mixed").stdout + run("status").stdout


def test_one_of_a_kind_is_in_the_singular(run, tmp_path: Path) -> None:
    write(tmp_path / "one", {"a.txt": "Rice was sold in the port."})
    printed = run("index", "one").stdout
    assert re.fullmatch(
        r"1 document, 1 passage, \d\.\d seconds, 0 files not read \(.*; 1 passage embedded\)\n", printed
    )
    assert "\n1 passage searched in " in run("ask", "Rice").stdout
    write(tmp_path / "one", {"b.txt": "Fish was sold too.", "c.txt": "", "d.txt": ""})
    printed = run("index", "one").stdout
    assert printed.startswith("2 documents, 2 passages, ")
    assert ", 2 files not read (" in printed
    assert "\n2 passages searched in " in run("ask", "Rice").stdout


def test_index_exits_with_0_if_everything_was_read(run, tmp_path: Path) -> None:
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
    assert lines[-1] == "not read: 6 more, not listed here: run `qa status --files` to list every file"
    status = run("status").stdout
    assert "\nnot read    3010\n" in status
    assert "\n  6 more, not listed here" in status
    summary = json.loads(run("status", "--json").stdout)
    assert (len(summary["failures"]), summary["failure_count"], summary["unread_files"]) == (105, 3010, 11)
    assert "  failed  " in run("status", "--files").stdout


def test_index_as_json(run) -> None:
    report = json.loads(run("index", "docs", "--json").stdout)
    assert report["documents"] == 5
    assert report["changed"] is True
    assert report["failures"] == [{"path": "notes/people.jsonl", "reason": "has no text", "row": "bad"}]


def test_watch_reports_each_build_and_each_error(
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


def test_watch_says_once_what_the_model_cannot_read(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qa.embedding.loading.load_encoder", lambda *_: Anglophone())
    monkeypatch.setattr("qa.indexing.watch.watch", lambda docs, build, *_, **__: (build(), build()))
    printed = run("watch", "docs").stdout.splitlines()
    assert [line.split()[1] for line in printed] == ["documents,", "of", "documents,"]
    assert "(Russian 1)" in printed[1]


def test_index_without_documents_fails(run) -> None:
    result = run("index", "nowhere")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "qa: the documents folder nowhere is not there\n"


@pytest.mark.parametrize("command", ["index", "watch"])
def test_a_file_is_not_a_documents_folder(run, tmp_path: Path, command: str) -> None:
    write(tmp_path, {"book.txt": "Rice."})
    result = run(command, "book.txt")
    assert result.exit_code == 1
    assert result.stderr == "qa: the documents folder book.txt is a file, not a folder\n"


def test_a_model_without_a_fit_is_calibrated_for(
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibrating, "known_model", lambda _: None)
    write(tmp_path / "one", {"a.txt": "Rice was sold in the port."})
    result = run("index", "one", "--json")
    assert json.loads(result.stdout)["calibrated"] == "no calibration fits the model"
    assert "qa: the index was calibrated: no calibration fits the model\n" in result.stderr
    assert "\ncalibrated  2" in run("status").stdout
    assert json.loads(run("index", "one", "--json").stdout)["calibrated"] is None
