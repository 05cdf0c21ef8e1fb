"""A canned search over two documents."""

from __future__ import annotations

import pytest

from evaluation.canned import Canned, two_documents


@pytest.fixture
def search() -> Canned:
    return two_documents()
