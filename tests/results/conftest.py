"""A small searcher in memory, without documents."""

from __future__ import annotations

import pytest
from web.fake_search import FakeSearch


@pytest.fixture
def search() -> FakeSearch:
    return FakeSearch()
