"""The command line in a folder of its own, without a real model."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from fake_encoder import StandIn

from qa.cli.commands import main
from qa.config import Settings


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: Settings):
    """Run the command in the folder of ``docs`` and ``index``, without a real model."""
    import qa.embedding.loading
    import qa.indexing.calibrating
    import qa.retrieval.live

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(qa.embedding.loading, "load_encoder", lambda *_: StandIn())
    monkeypatch.setattr(qa.indexing.calibrating, "known_model", lambda _: True)  # it needs no calibration
    monkeypatch.setattr(qa.retrieval.live.LiveSearcher.__init__, "__defaults__", (lambda name: StandIn(),))

    def invoke(*words: str) -> Result:
        result = CliRunner().invoke(main, words)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return invoke
