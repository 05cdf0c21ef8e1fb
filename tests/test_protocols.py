"""Stores and searchers have every method of the protocols, with its parameters."""

from __future__ import annotations

import inspect

import pytest
from web.fake_search import FakeSearch

from qa.index.store import Store
from qa.protocols import Library, Search
from qa.retrieval.searcher import Searcher
from qa.stores.milvus.library import MilvusLibrary


def _methods(protocol: type) -> dict[str, list[str]]:
    return {
        name: list(inspect.signature(method).parameters)
        for name, method in vars(protocol).items()
        if inspect.isfunction(method) and not name.startswith("_")
    }


@pytest.mark.parametrize(
    ("protocol", "implementation"),
    [
        *((Library, library) for library in (Store, MilvusLibrary, FakeSearch)),
        *((Search, search) for search in (Searcher, FakeSearch)),
    ],
)
def test_an_implementation_has_the_methods_of_its_protocol(protocol: type, implementation: type) -> None:
    methods = _methods(protocol)
    assert methods
    for name, parameters in methods.items():
        assert list(inspect.signature(getattr(implementation, name)).parameters) == parameters, name
