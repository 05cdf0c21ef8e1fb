"""Ask an index from LangChain: a retriever whose documents carry their provenance and citation.

    retriever = QARetriever(index=qa.open_index("index"), options={"source": ["TASS"]})
    documents = retriever.invoke("How large was the trade turnover in 2018?")

Needs this project and langchain-core. Returns nothing if the documents don't seem to answer the question.
"""

from __future__ import annotations

from typing import Any

from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import Field

import qa


class QARetriever(BaseRetriever):
    """Finds the passages that answer; ``options`` are those of ``Index.ask``."""

    index: qa.Index
    k: int = 5
    options: dict[str, Any] = Field(default_factory=dict)

    def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:  # noqa: ARG002
        result = self.index.ask(query, self.k, **self.options)
        return [_document(hit) for hit in result] if result.answerable else []


def _document(hit: qa.Hit) -> Document:
    metadata = hit.to_dict() | {"citation": hit.citation(), "permalink": hit.permalink}
    return Document(id=hit.id, page_content=metadata.pop("text"), metadata=metadata)
