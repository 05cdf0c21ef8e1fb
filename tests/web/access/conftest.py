"""Keys of a service, in a folder of the test's own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from qa.config import Settings
from qa.web.access.keys import Keys


@pytest.fixture
def keys(settings: Settings) -> Keys:
    return Keys(settings.keys)


@pytest.fixture
def settings(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    return replace(settings, keys=tmp_path / "keys.json")
