"""What stands for a library, a corpus or a search has all of its protocol, with the same parameters."""

from __future__ import annotations

import inspect
from dataclasses import fields, is_dataclass

import pytest
from web.fake_search import FakeSearch

from qa.index.generation import Generation, SentenceCosines
from qa.index.store import Store
from qa.retrieval.search_protocol import Search
from qa.retrieval.searcher import Searcher
from qa.stores.milvus.corpus import MilvusCorpus, _SentenceScores
from qa.stores.milvus.library import MilvusLibrary
from qa.stores.protocol import Corpus, Library, SentenceScores


def _parameters(kind: type, name: str) -> list[str]:
    return list(inspect.signature(getattr(kind, name)).parameters)


def _attributes(kind: type) -> set[str]:
    """Return the names of a class's properties and fields, and of what its ``__init__`` assigns."""
    names = {name for name, value in vars(kind).items() if isinstance(value, property)}
    names |= {field.name for field in fields(kind)} if is_dataclass(kind) else set()
    return names | set(kind.__init__.__code__.co_names)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("protocol", "kind"),
    [
        *((Library, kind) for kind in (Store, MilvusLibrary, FakeSearch)),
        *((Search, kind) for kind in (Searcher, FakeSearch)),
        *((Corpus, kind) for kind in (Generation, MilvusCorpus)),
        *((SentenceScores, kind) for kind in (SentenceCosines, _SentenceScores)),
    ],
)
def test_an_implementation_has_all_of_its_protocol(protocol: type, kind: type) -> None:
    for name, value in vars(protocol).items():
        if inspect.isfunction(value) and not name.startswith("_"):
            assert _parameters(kind, name) == _parameters(protocol, name)
        elif isinstance(value, property):
            assert name in _attributes(kind)
