"""Serve the fake searcher with the real server.

Run ``serve_fake.py HOST PORT [none|broken|insecure|shared|slow|uploads FOLDER]``.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from fake_search import FakeSearch, no_index

from qa.cli.serve_command import shared_metrics
from qa.config import Settings
from qa.errors import QAError
from qa.retrieval.search_protocol import Search
from qa.text import language
from qa.types import Query, SearchResult


class WithLargeText(FakeSearch):
    """A fake search with a large document, which is never a result."""

    large = ""

    def text(self, document_id: str) -> str:
        return "x" * 6_000_000 if document_id == self.large else super().text(document_id)

    def search(self, query: Query) -> SearchResult:
        if "slow" in sys.argv:
            time.sleep(0.05)
        return super().search(query)


class Live:
    def __init__(self, settings: Settings, load: Callable[[None], str]) -> None:
        if "broken" in sys.argv:
            raise RuntimeError("broken")
        self.search = WithLargeText()
        self.search.add("a.txt", "The trade grew.")
        if "shared" in sys.argv:
            text = f"Process {load(None)} loaded the tokenizer, and {identifier_loads} what tells languages."
            self.search.add("tokenizer.txt", text)
        self.search.large = self.search.add("large.txt", "")

    def current(self) -> Search:
        return no_index() if "none" in sys.argv else self.search


identifier_loads: list[int] = []
language.load_identifier = lambda: identifier_loads.append(os.getpid())

module = ModuleType("qa.retrieval.live")
module.LiveSearcher = Live  # type: ignore[attr-defined]
module.load_tokenizer = lambda _: str(os.getpid())  # type: ignore[attr-defined]
module.encoder_of = lambda _, loaded, cache: loaded  # type: ignore[attr-defined]
sys.modules["qa.retrieval.live"] = module


def _settings() -> Settings:
    settings = Settings(
        host=sys.argv[1], port=int(sys.argv[2]), workers=2, threads=4, insecure="insecure" in sys.argv
    )
    if "uploads" in sys.argv:
        # With a model that the index does not have, no build follows.
        return replace(settings, docs=Path(sys.argv[-1]), upload=True, workers=1, model="another")
    return settings


if __name__ == "__main__":
    try:
        with shared_metrics():
            from qa.web.server.processes import serve

            serve(_settings())
    except QAError as error:
        sys.exit(f"{type(error).__name__}: {error}")
