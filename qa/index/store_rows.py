"""The rows of the store as what they hold, and lists of spans as JSON."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from qa.text.recognised import unpack
from qa.types import Document, Metadata, PassageSpan, RecognisedPage, Span


def read_document(row: Mapping[str, Any] | sqlite3.Row) -> Document:
    """Return the document of a row."""
    names = ("title", "source", "author", "published", "dateline", "language", "url")
    metadata = Metadata(**{name: row[name] for name in names}, found=json.loads(row["found"]))
    return Document(
        row["id"], row["path"], row["media_type"], row["sha256"], metadata, row["characters"],
        row["passages"], row["pages"], row["row"], tuple(json.loads(row["notes"])), row["member"],
        row["certainty"], row["recognised_pages"],
    )  # fmt: skip


def read_recognised_page(row: sqlite3.Row) -> RecognisedPage:
    """Return the recognised page of a row: its number, bounds, certainty and words."""
    page, start, end, certainty, words = row
    return RecognisedPage(page, Span(start, end), certainty, unpack(words))


def read_passage_span(row: sqlite3.Row) -> PassageSpan:
    """Return the place of the passage of a row."""
    span = Span(row["char_start"], row["char_end"])
    return PassageSpan(
        span, _spans(row["sentences"]), _spans(row["lead"]), row["section"], row["page"], row["language"],
        row["header"] and _span(json.loads(row["header"])),
    )  # fmt: skip


_span = partial(tuple.__new__, Span)
"""``Span._make``, but without running Python code for each of the many spans."""


def _spans(written: str) -> tuple[Span, ...]:
    return tuple(map(_span, json.loads(written)))


def read_spans(texts: Sequence[str]) -> list[tuple[Span, ...]]:
    """Return the spans that each of some texts lists, parsed in one call, as each call costs."""
    return [tuple(map(_span, spans)) for spans in json.loads(f"[{','.join(texts)}]")]
