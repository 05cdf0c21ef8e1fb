"""`qa serve`: the settings it passes on, and the folder in which its processes count together."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from qa.cli.serve_command import shared_metrics
from qa.config import Settings


def test_the_flags_are_the_settings_of_the_service(run, monkeypatch: pytest.MonkeyPatch) -> None:
    import qa.web.server.processes

    served: list[Settings] = []
    monkeypatch.setattr(qa.web.server.processes, "serve", served.append)
    flags = ["--port", "0", "--rate-limit", "9/minute", "--log-json", "--judgements", "j.jsonl"]
    assert run("serve", *flags).exit_code == 0
    expected = Settings(port=0, rate_limit="9/minute", log_json=True, judgements=Path("j.jsonl"))
    assert served == [expected]


def test_the_metrics_have_a_folder_while_processes_run() -> None:
    with shared_metrics():
        folder = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
        (folder / "counter.db").touch()
    assert not folder.exists()
    assert "PROMETHEUS_MULTIPROC_DIR" not in os.environ


def test_a_forked_process_leaves_the_folder_to_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    with shared_metrics():
        folder = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
        child = os.getpid() + 1
        with monkeypatch.context() as forked:
            inner = shared_metrics()
            inner.__enter__()
            inner_folder = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
            forked.setattr(os, "getpid", lambda: child)
            inner.__exit__(None, None, None)
        assert inner_folder.is_dir()
        inner_folder.rmdir()
    assert not folder.exists()
