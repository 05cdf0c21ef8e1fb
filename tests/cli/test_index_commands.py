"""What the commands about a built index print."""

from __future__ import annotations

import json
import re
from pathlib import Path

from corpus import write


def test_status_and_verify(run, built: Path) -> None:
    status = run("status")
    assert status.exit_code == 0
    assert built.name in status.stdout
    assert "documents   5" in status.stdout
    assert "notes/people.jsonl, row bad: has no text" in status.stdout
    assert json.loads(run("status", "--json").stdout)["generation"] == built.name
    assert "\nfiles       3 indexed, 1 partly, 0 failed, 0 skipped, 0 gone\n" in status.stdout
    assert run("verify").stdout == f"{built.name} is intact\n"
    assert json.loads(run("verify", "--json").stdout) == {"generation": built.name, "whole": True}


def test_status_lists_every_file_ever_seen(run, tmp_path: Path) -> None:
    write(tmp_path / "docs", {"a\nb\x1b[2J.txt": "", "photo.psd": "x"})
    run("index", "docs")
    status = run("status", "--files").stdout
    assert "\nfiles       3 indexed, 1 partly, 1 failed, 1 skipped, 0 gone\n" in status
    assert re.search(r"^  failed  \S+  a\\nb\\x1b\[2J.txt: holds no text$", status, re.MULTILINE)
    assert re.search(r"^  skipped \S+  photo.psd: is of no kind that can be read$", status, re.MULTILINE)
    assert re.search(r"^  indexed \S+  trade.md$", status, re.MULTILINE)
    content = json.loads(run("status", "--files", "--json").stdout)
    assert content["ledger"]["counts"]["skipped"] == 1
    assert {entry["path"] for entry in content["files"]} >= {"photo.psd", "trade.md"}


def test_verify_fails_on_a_damaged_index_and_index_repairs_it(run, built: Path) -> None:
    path = built / "sentences.int16"
    path.write_bytes(path.read_bytes()[:-1] + b"\x55")
    result = run("verify")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "sentences.int16" in result.stderr
    assert "run `qa index`" in result.stderr
    assert run("index", "docs").exit_code == 3
    assert run("verify").exit_code == 0


def test_a_backup_says_what_is_not_in_it(run, built: Path, tmp_path: Path) -> None:
    result = run("backup", "a.tar", "--with-keys", "--judgements", "none.jsonl")
    assert result.exit_code == 0
    assert "none.jsonl does not exist, so it is not in the backup" in result.stderr
    assert "keys.json does not exist, so it is not in the backup" in result.stderr
    assert "does not exist" not in run("backup", "b.tar").stderr
