"""The collections of a generation: their names, fields and indexes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qa.errors import BuildError
from qa.stores.milvus.client import Client, library
from qa.stores.milvus.packing import columns
from qa.text.folding import fold, same_form
from qa.types import Document

FORMAT = 5
"""The version of what a generation looks like in a Milvus."""

ALIAS = "qa_live"
"""The alias that names the live generation, by its collection of parts."""

PARTS, DOCUMENTS, PASSAGES, SENTENCES, TERMS = "parts", "documents", "passages", "sentences", "terms"
KINDS = (PARTS, DOCUMENTS, PASSAGES, SENTENCES, TERMS)
DIRECTORY, CALIBRATION = 0, -1
"""The numbers of two parts: the directory of the others, and the calibration, which alone may change."""

_NAME = re.compile(r"qa(\d{1,9})_([0-9A-Za-z_]+)_(" + "|".join(KINDS) + ")")
_VERSION = re.compile(r"(\d{1,9})\.(\d{1,9})")
_LONGEST_TEXT = 65_535  # bytes, the most that a Milvus before 2.6 takes
_MOST_FIELDS = 60  # of the 64 that a Milvus allows
_COMPARED = 1000  # letters of a value that filters compare (chosen)
_FEW = 50_000
"""Up to so many sentences a Milvus compares all, without an index of the vectors (chosen)."""

_SPARSE_SINCE = (2, 4)  # the first version with sparse vectors
_LISTS, _PROBES = 1024, 64
"""The lists of the index of the vectors, and how many a search looks into (chosen)."""

_BOUNDED = ("document", "path", "source", "published", "media_type", "language")


@dataclass(frozen=True, slots=True)
class Layout:
    """What shapes a generation's collections.

    Attributes:
        dimension: the length of a vector.
        sentences: how many sentences there are.
        sparse: whether the server has sparse vectors.
        document: how many fields a document's record is spread over.
        record: the same for a passage's record.
        light: the same for its light block.
        heavy: the same for its heavy block.
    """

    dimension: int
    sentences: int
    sparse: bool
    document: int
    record: int
    light: int
    heavy: int

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of collections that there are."""
        return KINDS if self.sparse else KINDS[:-1]

    @property
    def search(self) -> Mapping[str, int]:
        """The parameters of a search among the sentences."""
        return {} if self.sentences <= _FEW else {"nprobe": _PROBES}

    def check(self) -> None:
        """Check that every passage fits into a row.

        Raises:
            BuildError: a passage is too long for this server.
        """
        if self.record + self.light + self.heavy + len(_BOUNDED) > _MOST_FIELDS:
            raise BuildError(
                "a passage is too long for a Milvus: keep the index local, or split the document"
            )


def collection(generation: str, kind: str) -> str:
    """Return the name of a collection of a generation."""
    return f"qa{FORMAT}_{generation.replace('-', '_')}_{kind}"


def generation_of(name: str) -> str | None:
    """Return the generation that a collection belongs to; None if this version cannot read it."""
    match = _NAME.fullmatch(name)
    return match[2].replace("_", "-") if match and int(match[1]) == FORMAT else None


def is_ours(name: str) -> bool:
    """Whether a collection belongs to a generation, of whatever version."""
    return _NAME.fullmatch(name) is not None


def filtered(document: Document, number: int, language: str | None) -> dict[str, Any]:
    """Return the fields that filters compare: empty if unknown, otherwise beginning with ``=``."""
    meta = document.metadata
    values = {
        "document": document.id,
        "path": same_form(document.path),
        "source": meta.source and fold(meta.source),
        "published": meta.published,
        "media_type": document.media_type,
        "language": language and fold(language),
    }
    return {"number": number} | {name: known(value) for name, value in values.items()}


def known(value: str | None) -> str:
    """Return a value as filters compare it."""
    return "" if value is None else f"={value}"[:_COMPARED]


def has_sparse(client: Client) -> bool:
    """Whether a server has sparse vectors, as Milvus has since 2.4 and Milvus Lite 3."""
    version: str = client.call("get_server_version")
    numbers = _VERSION.search(version)
    return numbers is not None and (int(numbers[1]), int(numbers[2])) >= _SPARSE_SINCE


def create(client: Client, generation: str, kind: str, layout: Layout) -> None:
    """Create a collection with its index, unless it exists."""
    pymilvus = library()
    name = collection(generation, kind)
    if not client.call("has_collection", name):
        schema = pymilvus.MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("id", pymilvus.DataType.INT64, is_primary=True)
        _FIELDS[kind](schema, layout, pymilvus.DataType)
        client.call("create_collection", name, schema=schema, consistency_level="Eventually")
    field, chosen = _index(kind, layout)
    if field not in client.call("list_indexes", name):
        indexes = pymilvus.MilvusClient.prepare_index_params()
        indexes.add_index(field, **chosen)
        client.call("create_index", name, indexes)


def vector_field(kind: str, layout: Layout) -> str:
    """Return the name of the one field of vectors that a collection must have."""
    if kind == PASSAGES and layout.sparse:
        return "gains"
    return "vector" if kind == SENTENCES else "unused"


def _index(kind: str, layout: Layout) -> tuple[str, dict[str, Any]]:
    field, chosen = vector_field(kind, layout), {"index_type": "FLAT", "metric_type": "IP"}
    if field == "gains":
        chosen["index_type"] = "SPARSE_INVERTED_INDEX"
    if field == "vector" and layout.sentences > _FEW:
        return field, chosen | {"index_type": "IVF_SQ8", "params": {"nlist": _LISTS}}
    return field, chosen


def _add_texts(schema: Any, types: Any, names: Sequence[str]) -> None:
    for name in names:
        schema.add_field(name, types.VARCHAR, max_length=_LONGEST_TEXT)


def _add_filtered(schema: Any, types: Any) -> None:
    schema.add_field("number", types.INT64)
    _add_texts(schema, types, _BOUNDED)


def _add_unused(schema: Any, types: Any) -> None:
    schema.add_field("unused", types.FLOAT_VECTOR, dim=2)


def _parts(schema: Any, _layout: Layout, types: Any) -> None:
    _add_texts(schema, types, ["data"])
    _add_unused(schema, types)


def _documents(schema: Any, layout: Layout, types: Any) -> None:
    _add_filtered(schema, types)
    _add_texts(schema, types, columns("record", layout.document))
    _add_unused(schema, types)


def _passages(schema: Any, layout: Layout, types: Any) -> None:
    _add_filtered(schema, types)
    schema.add_field("start", types.INT64)
    for name, count in (("record", layout.record), ("light", layout.light), ("heavy", layout.heavy)):
        _add_texts(schema, types, columns(name, count))
    if layout.sparse:
        schema.add_field("gains", types.SPARSE_FLOAT_VECTOR)
    else:
        _add_unused(schema, types)


def _sentences(schema: Any, layout: Layout, types: Any) -> None:
    _add_filtered(schema, types)
    schema.add_field("row", types.INT64)
    schema.add_field("vector", types.FLOAT_VECTOR, dim=layout.dimension)


def _terms(schema: Any, _layout: Layout, types: Any) -> None:
    schema.add_field("number", types.INT64)
    schema.add_field("frequency", types.INT64)
    _add_unused(schema, types)


_FIELDS: Mapping[str, Callable[[Any, Layout, Any], None]] = {
    PARTS: _parts,
    DOCUMENTS: _documents,
    PASSAGES: _passages,
    SENTENCES: _sentences,
    TERMS: _terms,
}
