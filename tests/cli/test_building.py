"""The build of the commands, and what it says of the store."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

import qa.indexing.build
from qa.cli import building
from qa.config import Settings


@pytest.mark.parametrize(
    ("outcome", "message"),
    [
        ({}, ""),
        (
            {"published_to": "http://127.0.0.1:19530"},
            "qa: generation g1 is live in http://127.0.0.1:19530\n",
        ),
        ({"calibrated": "it was odd"}, "qa: the index was calibrated: it was odd\n"),
    ],
)
def test_it_says_where_the_index_was_published_and_why_it_was_calibrated(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    outcome: dict[str, str],
    message: str,
) -> None:
    report = SimpleNamespace(**{"generation": "g1", "published_to": None, "calibrated": None} | outcome)
    options: dict[str, object] = {}

    def build_with_model(settings: Settings, **given: object) -> SimpleNamespace:
        options.update(given)
        return report

    monkeypatch.setattr(qa.indexing.build, "build_with_model", build_with_model)
    assert building.build_and_publish(settings, allow_empty=True) is report
    assert options["allow_empty"] is True
    assert capsys.readouterr().err == message
