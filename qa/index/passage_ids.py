"""Ids of documents, and of passages: ``DOCUMENT:START-END``."""

from __future__ import annotations

import hashlib

from qa.errors import NotFoundError

LARGEST = 2**63 - 1
"""The largest integer of SQLite and of Milvus; no text is that long."""


def document_id(path: str, row: str | None = None) -> str:
    """Return the id of the document with a path and, if its file is a table, a row's key."""
    identity = path if row is None else f"{path}\0{row}"
    return hashlib.sha256(identity.encode()).hexdigest()[:16]


def parse_passage_id(passage_id: str) -> tuple[str, int, int]:
    """Return the document id, the start and the end in a passage id, offsets up to ``LARGEST``.

    Raises:
        NotFoundError: it is not a passage id.
    """
    document, _, place = passage_id.partition(":")
    start, _, end = place.partition("-")
    if not (start.isascii() and end.isascii() and start.isdigit() and end.isdigit()):
        raise NotFoundError(f"{passage_id!r} is not a passage's id, which is DOCUMENT:START-END")
    return document, min(int(start[:19]), LARGEST), min(int(end[:19]), LARGEST)
