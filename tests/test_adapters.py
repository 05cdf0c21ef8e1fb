"""The adapters for LangChain and Haystack, with the real packages: ``make adapters`` installs them."""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pages import ROOT

import qa

QUESTION = "What did the envoy say about cyber threats?"
UNANSWERED = "How do I bake sourdough bread at home?"


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory, default: object) -> Path:
    folder = tmp_path_factory.mktemp("adapters") / "index"
    qa.build_index(ROOT / "docs_raw", folder)
    return folder


@pytest.fixture(scope="module")
def opened(index: Path) -> Iterator[qa.Index]:
    with qa.open_index(index) as opened:
        yield opened


def _retriever(name: str) -> Any:
    return runpy.run_path(str(ROOT / "examples" / f"{name}_retriever.py"))["QARetriever"]


def test_a_langchain_retriever_returns_the_passages_with_their_citation(opened: qa.Index) -> None:
    pytest.importorskip("langchain_core")
    retriever = _retriever("langchain")(index=opened, k=2, options={"language": ["en"]})
    expected = opened.ask(QUESTION, 2, language=["en"])
    documents = retriever.invoke(QUESTION)
    assert [document.page_content for document in documents] == [hit.text for hit in expected]
    assert [document.id for document in documents] == [hit.id for hit in expected]
    assert documents[0].metadata["citation"] == expected[0].citation()
    assert documents[0].metadata["document"]["sha256"] == expected[0].document.sha256
    assert (retriever | len).invoke(QUESTION) == 2
    assert retriever.invoke(UNANSWERED) == []


def test_a_haystack_component_returns_the_passages_with_their_citation(
    opened: qa.Index, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HAYSTACK_TELEMETRY_ENABLED", "False")
    haystack = pytest.importorskip("haystack")
    pipeline = haystack.Pipeline()
    retriever = _retriever("haystack")(str(index), 2, {"language": ["en"]})
    pipeline.add_component("retriever", retriever)
    expected = opened.ask(QUESTION, 2, language=["en"])
    documents = pipeline.run({"retriever": {"query": QUESTION}})["retriever"]["documents"]
    assert [document.content for document in documents] == [hit.text for hit in expected]
    assert [document.score for document in documents] == [hit.score for hit in expected]
    assert documents[0].meta["permalink"] == expected[0].permalink
    assert pipeline.run({"retriever": {"query": UNANSWERED}})["retriever"]["documents"] == []


@pytest.mark.parametrize("name", ["langchain", "haystack"])
def test_an_adapter_has_under_forty_lines(name: str) -> None:
    assert len((ROOT / "examples" / f"{name}_retriever.py").read_text("utf-8").splitlines()) < 40
