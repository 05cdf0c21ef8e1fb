"""Which column of a table, or field of an object, holds the text, the key and each field of the metadata.

Names are compared without case, spaces and signs: ``pubDate``, ``pub_date`` and ``Pub date`` are one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from qa.readers import dates

TEXTS = (
    "text", "fulltext", "content", "pagecontent", "contents", "body", "bodytext", "article", "articlebody",
    "articletext", "contenttext", "selftext", "textcontent", "maintext", "transcript", "message", "passage",
    "chunk",
)  # fmt: skip
"""Names of the text itself, the most telling first, as exporters write them."""

WEAK_TEXTS = ("description", "abstract", "summary", "answer", "comment", "review", "note", "notes")
"""Names of the text if all other columns are metadata: a question beside an answer is text, too."""

KEYS = ("id", "guid", "uuid", "docid", "documentid")

FIELDS: Mapping[str, tuple[str, ...]] = {
    "title": ("title", "headline", "name", "subject"),
    "source": ("source", "publisher", "sitename", "outlet", "provider"),
    "author": ("author", "authors", "byline", "creator"),
    "published": (
        "published", "date", "publishedat", "publishdate", "publisheddate", "publicationdate", "pubdate",
        "datepublished", "publishedon", "postedat", "createdat", "created", "datecreated", "createddate",
        "timestamp", "datetime",
    ),
    "dateline": ("dateline",),
    "language": ("language", "lang", "inlanguage", "locale"),
    "url": ("url", "link", "permalink", "href", "weburl", "canonicalurl"),
}  # fmt: skip
"""The names of each field of the metadata, the most telling first."""

_METADATA = frozenset(name for names in FIELDS.values() for name in names) | frozenset(KEYS)
_NESTED_METADATA = ("metadata", "meta")
_ENVELOPES = (
    "source",
    "kwargs",
    "payload",
    "attributes",
    "fields",
    "document",
    "doc",
    "node",
    "article",
    "data",
)
"""Objects in which exporters wrap a document: Elasticsearch ``_source``, LangChain ``kwargs``, and so on."""

_INNER_VALUES = ("name", "rendered", "#text", "@value", "$date", "$oid", "$numberlong", "value", "@id")
"""Where an object keeps its one value: schema.org, WordPress, XML made JSON, MongoDB."""

_SIGNS = re.compile(r"[\W_]+")
_PREFIX = re.compile(r"(?:metadata|meta)[._]", re.IGNORECASE)
_WEB_ADDRESS = re.compile(r"https?://\S+", re.IGNORECASE)


def plain_name(name: str) -> str:
    """Return a name as names are compared.

    >>> plain_name(" metadata.Pub_Date ")
    'pubdate'
    """
    return _SIGNS.sub("", _PREFIX.sub("", name.strip())).lower()


def text_name(names: Iterable[str]) -> str | None:
    """Return which of some plain names is the text's, or None if none is."""
    present = set(names)
    strong = next((name for name in TEXTS if name in present), None)
    if strong:
        return strong
    others = present - _METADATA
    return next((name for name in WEAK_TEXTS if others == {name}), None)


def is_metadata(name: str) -> bool:
    """Whether a plain name is that of a key or of a field of the metadata."""
    return name in _METADATA


def flatten(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row's values by plain name, with those of its nested metadata and of what wraps it."""
    values = _by_name(row)
    if text_name(values) is None or isinstance(values.get(text_name(values) or ""), Mapping):
        for name in _ENVELOPES:
            inner = values.get(name)
            if isinstance(inner, Mapping) and text_name(_by_name(inner)):
                values = _by_name(inner) | {key: value for key, value in values.items() if key != name}
                break
    for name in _NESTED_METADATA:
        inner = values.get(name)
        if isinstance(inner, Mapping):
            values = _by_name(inner) | {key: value for key, value in values.items() if key != name}
    return values


def _by_name(row: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in row.items():
        if values.get(plain_name(name)) in (None, ""):
            values[plain_name(name)] = value
    return values


def plain_value(value: Any) -> Any:
    """Return what an object or a list stands for: its name, its one value, or a list of these."""
    if isinstance(value, Mapping):
        lowered = {str(name).lower(): inner for name, inner in value.items()}
        inner = next((lowered[name] for name in _INNER_VALUES if name in lowered), value)
        return inner if isinstance(inner, Mapping) else plain_value(inner)
    if isinstance(value, list):
        return [part if isinstance(part, list) else plain_value(part) for part in value]
    return value


def candidates(values: Mapping[str, Any], field: str) -> Iterator[Any]:
    """Yield the values that may be a field's, the most telling first."""
    for name in FIELDS[field]:
        value = plain_value(values.get(name))
        if value in (None, "", []):
            continue
        is_address = isinstance(value, str) and bool(_WEB_ADDRESS.fullmatch(value.strip()))
        if field == "source" and is_address:
            continue
        yield dates.from_number(value) or value if field == "published" else value
    if field == "url":
        yield values.get("source")
