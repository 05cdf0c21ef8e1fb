"""The index follows changes that people make on the page, one build at a time."""

from __future__ import annotations

import subprocess
import threading
from pathlib import Path

import pytest

from qa import config
from qa.config import Settings
from qa.indexing import lock
from qa.web.updates import Updates


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(index=tmp_path / "index", docs=tmp_path / "docs", ocr="off", edit=True)


def _join(updates: Updates) -> None:
    thread = updates._thread
    if thread is not None:
        thread.join(timeout=30)
    assert updates._thread is None


def test_a_build_has_the_settings_of_the_service(settings: Settings, monkeypatch) -> None:
    seen = []

    def run(command, **options):
        seen.append((command[1:], options["env"]))
        return subprocess.CompletedProcess(command, 3, stderr=b"")

    monkeypatch.setattr("qa.web.updates.subprocess.run", run)
    updates = Updates(settings)
    updates.request()
    _join(updates)
    [(command, environment)] = seen
    assert command == ["-m", "qa", "index"]
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert config.load(folder=settings.docs) == settings
    assert not updates.running


def test_a_build_waits_for_one_that_runs(settings: Settings, monkeypatch) -> None:
    built = threading.Event()

    def run(command, **_):
        assert not lock.is_held(settings.index)
        built.set()
        return subprocess.CompletedProcess(command, 0, stderr=b"")

    monkeypatch.setattr("qa.web.updates.subprocess.run", run)
    updates = Updates(settings)
    with lock.hold(settings.index):
        assert lock.is_held(settings.index)
        updates.request()
        assert not built.wait(0.2)
        assert updates.running
    _join(updates)
    assert built.is_set()


def test_a_build_that_fails_is_logged_and_the_next_request_tries_again(
    settings: Settings, monkeypatch, caplog
) -> None:
    codes = [1, 0]

    def run(command, **_):
        return subprocess.CompletedProcess(command, codes.pop(0), stderr=b"qa: first\nqa: the disk is full\n")

    monkeypatch.setattr("qa.web.updates.subprocess.run", run)
    updates = Updates(settings)
    for _ in range(2):
        updates.request()
        _join(updates)
    assert codes == []
    assert caplog.messages == ["The index could not be brought up to date: qa: the disk is full"]
