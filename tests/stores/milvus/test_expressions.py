"""An expression keeps the documents that the same filters keep in SQLite."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.index.filters import matching
from qa.stores.milvus.expressions import Allowed, _runs, expression, literal, prefix
from qa.stores.milvus.schema import filtered
from qa.text.folding import same_form
from qa.types import Document, Filters, Metadata
from stores.milvus.fake_client import holds

_PATHS = [
    "a.txt",
    "a/b.txt",
    "a/b/c.txt",
    "a0",
    "a-b.txt",
    "b/[x].txt",
    "b/y.txt",
    'b/"q" \\ n\n.txt',
    "é.txt",
]


def _document(number: int, path: str) -> Document:
    metadata = Metadata(
        source=[None, "TASS", "Écho"][number % 3],
        published=[None, "2019-01-01", "2020-06-30"][number % 3],
        language=["en", None, "ru"][number % 3],
    )
    return Document(f"{number:016x}", path, "text/plain", "f" * 64, metadata, 1, 1)


ROWS = [
    {"id": number} | filtered(_document(number, path), number, _document(number, path).metadata.language)
    for number, path in enumerate(sorted(_PATHS))
]


def _match(pattern: str) -> list[int]:
    paths = [row["path"].removeprefix("=") for row in ROWS]
    return [number for number, fits in enumerate(matching(paths, pattern)) if fits]


def _kept(filters: Filters) -> list[str]:
    where = expression(filters, _match)
    return [row["path"].removeprefix("=") for row in ROWS if holds(where, row)]


def test_no_filters_keep_everything() -> None:
    assert expression(Filters(), _match) == ""
    assert len(_kept(Filters())) == len(_PATHS)


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("a", ["a/b.txt", "a/b/c.txt"]),
        ("a/", ["a/b.txt", "a/b/c.txt"]),
        ("a.txt", ["a.txt"]),
        ("b/[x].txt", ["b/[x].txt"]),
        ("b/?.txt", ["b/y.txt"]),
        ("b/[!x].txt", ["b/y.txt"]),
        ("*b*", ["a-b.txt", "a/b.txt", "a/b/c.txt", 'b/"q" \\ n\n.txt', "b/[x].txt", "b/y.txt"]),
        ('b/"q" \\ n\n.txt', ['b/"q" \\ n\n.txt']),
        ("e\u0301.txt", ["é.txt"]),
        ("nowhere", []),
    ],
)
def test_a_path_is_a_file_a_folder_or_a_pattern(path: str, kept: list[str]) -> None:
    assert _kept(Filters(path=(path,))) == sorted(kept)


def test_values_of_one_field_are_alternatives_and_fields_add_up() -> None:
    both = _kept(Filters(source=("tass", "ÉCHO")))
    assert len(both) == 6
    assert set(_kept(Filters(source=("tass", "écho"), language=("RU",)))) < set(both)
    assert _kept(Filters(document=(f"{3:016x}",))) == [sorted(_PATHS)[3]]
    assert _kept(Filters(media_type=("application/pdf",))) == []


def test_a_document_without_a_date_is_outside_every_range() -> None:
    assert len(_kept(Filters(date_from="2019-01-01"))) == 6
    assert len(_kept(Filters(date_to="2019-12-31"))) == 3
    assert len(_kept(Filters(date_from="2019-12-31", date_to="2020-12-31"))) == 3


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20))
def test_a_literal_is_the_text(text: str) -> None:
    assert eval(literal(text)) == text


@given(st.sets(st.integers(0, 40)))
def test_runs_hold_exactly_the_numbers(numbers: set[int]) -> None:
    condition = " or ".join(_runs(sorted(numbers))) or "False"
    assert {n for n in range(42) if holds(condition, {"number": n})} == numbers


@given(st.sampled_from([same_form(path) for path in _PATHS]), st.integers(0, 5))
def test_the_prefix_of_a_pattern_loses_no_match(path: str, kept: int) -> None:
    pattern = path[:kept].replace("[", "?") + "*"
    (row,) = [row for row in ROWS if row["path"] == f"={path}"]
    assert holds(prefix(pattern), row)


def test_the_length_of_what_is_allowed_is_its_count() -> None:
    assert len(Allowed("id > 3", 12)) == 12
