"""The API's JSON of the state of the index."""

from __future__ import annotations

from dataclasses import asdict

from qa.indexing.ledger import Summary
from qa.results.answers import JSON
from qa.types import IndexInfo


def status_answer(info: IndexInfo, folder: Summary | None) -> JSON:
    """Return the contents of the index, and the state of the documents folder if it is known."""
    return {
        "generation": info.generation,
        "model": info.model,
        "created": info.created,
        "documents": info.documents,
        "passages": info.passages,
        "sentences": info.sentences,
        "store": info.store,
        "failures": [
            {"path": failure.full_path, "row": failure.row, "reason": failure.reason}
            for failure in info.failures
        ],
        "failure_count": info.failure_count,
        "unread_files": info.unread_files,
        "files": asdict(folder) if folder else None,
    }
