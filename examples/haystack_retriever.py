"""Ask an index from Haystack: a component whose documents carry their provenance and citation.

    pipeline.add_component("retriever", QARetriever("index", options={"source": ["TASS"]}))

Needs this project and haystack-ai. Returns nothing if the documents don't seem to answer the question.
"""

from __future__ import annotations

from haystack import Document, component

import qa


@component
class QARetriever:
    """Finds the passages that answer; ``options`` are those of ``Index.ask``."""

    def __init__(self, index: str = "index", k: int = 5, options: qa.AskOptions | None = None) -> None:
        self.index, self.k, self.options = index, k, options or {}
        self._opened: qa.Index | None = None

    def warm_up(self) -> None:
        """Open the index, which loads the model; the pipeline calls this before it runs."""
        self._opened = self._opened or qa.open_index(self.index)

    @component.output_types(documents=list[Document])
    def run(self, query: str) -> dict[str, list[Document]]:
        """Answer a question."""
        self.warm_up()
        result = self._opened.ask(query, self.k, **self.options)
        return {"documents": [_document(hit) for hit in result] if result.answerable else []}


def _document(hit: qa.Hit) -> Document:
    meta = hit.to_dict() | {"citation": hit.citation(), "permalink": hit.permalink}
    return Document(id=hit.id, content=meta.pop("text"), score=hit.score, meta=meta)
