"""A generation in a file of Milvus Lite, and what breaks a Milvus on purpose."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from corpus import DOCUMENTS, write, write_many
from fake_encoder import StandIn

from qa.config import Settings
from qa.index import generation
from qa.index.generation import Generation
from qa.indexing.build import build
from qa.retrieval.live import LiveSearcher
from qa.retrieval.searcher import Searcher
from qa.stores.milvus.client import Client
from qa.stores.milvus.upload import publish


@pytest.fixture(scope="session", autouse=True)
def _installed() -> None:
    for package in ("pymilvus", "milvus_lite", "tenacity"):
        pytest.importorskip(package, reason=f"{package} is not installed: pip install '.[milvus]'")


ODD = {
    "odd/50% off_[x].txt": 'Half the price: fifty per cent off, said "the shop" in a back\\slash street.\n',
    "odd/пустой.txt": "?!\n\n...\n",
    "fr/caf\u00e9/un.md": "---\nsource: \u00c9cho\n---\n\nLe riz de Battambang se vend bien.\n",
    "fr/cafe\u0301/onze.md": "---\nsource: e\u0301cho\n---\n\nRice from Battambang was sold.\n",
    "odd/long.txt": " ".join(f"Слово {number} и дело {number * 7}." for number in range(2000)),
}
"""Names with letters that mean something in an expression, a passage of no words, a text of several parts,
and names and publishers in two forms of Unicode."""


@dataclass(frozen=True)
class Both:
    """The same generation twice."""

    settings: Settings
    found: Generation
    local: Searcher
    milvus: Searcher


@pytest.fixture(scope="session")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    root = tmp_path_factory.mktemp("milvus")
    documents = write(write_many(root / "docs"), DOCUMENTS | ODD)
    settings = Settings(
        docs=documents, index=root / "index", cache=root / "cache", store=f"milvus+{root / 'index.db'}"
    )
    build(settings, StandIn())
    found = generation.load(generation.current(settings.index))
    publish(settings.store, found, None)
    live = LiveSearcher(settings, lambda _: StandIn())
    yield Both(settings, found, Searcher(found, StandIn()), live.current())
    live._published.close()


@pytest.fixture
def small(settings: Settings, built: Path, tmp_path: Path) -> Settings:
    """Settings with a file of Milvus Lite, in which nothing is yet, and an index to put there."""
    return replace(settings, store=f"milvus+{tmp_path / 'index.db'}", cache=tmp_path / "cache")


class BrokenOffError(Exception):
    """What a test raises to end an upload where it stands."""


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """Note what a Milvus is told to do, and to which collection or with what."""
    noted: list[tuple[str, Any]] = []
    call = Client.call

    def noting(self: Client, name: str, *args: Any, **kwargs: Any) -> Any:
        noted.append((name, args[0] if args else None))
        return call(self, name, *args, **kwargs)

    monkeypatch.setattr(Client, "call", noting)
    return noted
