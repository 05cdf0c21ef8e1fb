"""Filters in SQL keep what a plain loop keeps."""

from __future__ import annotations

import fnmatch
import itertools
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.stored_documents import DOCUMENTS, stored_document
from qa.index.filters import conditions, escape_path, matching
from qa.index.store import Store, StoredDocument
from qa.index.store_writer import writing
from qa.text.folding import fold, same_form
from qa.types import Document, Filters, PassageSpan


def _passes(stored: StoredDocument, passage: PassageSpan | None, filters: Filters) -> bool:
    """Keep what the filters' own description says, by a plain loop."""
    document, meta = stored.document, stored.document.metadata
    language = (passage.language if passage else None) or meta.language
    path_ = same_form(document.path)
    return (
        (not filters.source or fold(meta.source or "") in map(fold, filters.source))
        and (not filters.language or language in filters.language)
        and (
            not filters.path
            or any(
                path_ == path or path_.startswith(path.rstrip("/") + "/") or fnmatch.fnmatchcase(path_, path)
                for path in map(same_form, filters.path)
            )
        )
        and (not filters.date_from or (meta.published is not None and meta.published >= filters.date_from))
        and (not filters.date_to or (meta.published is not None and meta.published <= filters.date_to))
    )


_CHOICES = (
    [(), ("TASS",), ("reuters", "Tass"), ("R'); --",), ("nobody",), ("тасс",), ("Тасс", "TASS"),
     ("STRASSE",), ("L'\u00e9CHO",), ("L'E\u0301cho", "tass")],
    [(), ("en",), ("ru", "de")],
    [(), ("news",), ("news/",), ("*.txt",),
     ("news/[x]*.md", "a.txt"), ("[!n]*", "news/?.txt"), ("ru/Н*",), ("%",),
     ("fr/caf\u00e9",), ("fr/cafe\u0301/",), ("fr/caf?/*", "*e\u0301*")],
    [None, "2019-07-04"],
    [None, "2019-07-04", "2020-12-31"],
)  # fmt: skip


def test_filters_keep_what_a_plain_loop_keeps(stored_in) -> None:
    store = stored_in(*DOCUMENTS)
    sizes = set()
    for source, language, path, start, end in itertools.product(*_CHOICES):
        filters = Filters(source, language, path, start, end)
        listed = [stored.document for stored in DOCUMENTS if _passes(stored, None, filters)]
        page = store.documents(filters, limit=100, offset=0)
        assert (page.total, sorted(d.path for d in page.documents)) == (
            len(listed),
            sorted(d.path for d in listed),
        )
        pairs = [(stored, passage) for stored in DOCUMENTS for passage in stored.passages]
        expected = [i for i, (stored, passage) in enumerate(pairs) if _passes(stored, passage, filters)]
        assert store.rows(filters).tolist() == expected, filters
        sizes.add(len(expected))
    assert len(sizes) > 5


def test_a_type_and_a_document_are_filtered_for(stored_in) -> None:
    store = stored_in(*DOCUMENTS, replace(DOCUMENTS[0], document=_of_type(DOCUMENTS[0].document)))
    ids = [stored.document.id for stored in DOCUMENTS[1:3]]
    found = store.documents(Filters(document=tuple(ids)), limit=9, offset=0)
    assert {document.id for document in found.documents} == set(ids)
    assert store.rows(Filters(document=("no such",))).tolist() == []
    [pdf] = store.documents(Filters(media_type=("application/pdf",)), limit=9, offset=0).documents
    assert pdf.path == "other.pdf"
    every = Filters(media_type=("application/pdf", DOCUMENTS[0].document.media_type))
    assert len(store.rows(every)) == store.counts()[1]


def _of_type(document: Document) -> Document:
    return replace(document, id="f" * 16, path="other.pdf", media_type="application/pdf")


@pytest.mark.parametrize(
    "path", ["fr/caf\u00e9", "fr/cafe\u0301/", "fr/caf\u00e9/*", "fr/caf[\u00e9x]/*.txt"]
)
def test_the_form_of_unicode_does_not_matter_in_a_path(stored_in, path: str) -> None:
    page = stored_in(*DOCUMENTS).documents(Filters(path=(path,)), limit=9, offset=0)
    assert len(page.documents) == 2


def test_capitals_do_not_matter_in_a_type(stored_in) -> None:
    store = stored_in(*DOCUMENTS)
    assert len(store.rows(Filters(media_type=("Text/PLAIN",)))) == store.counts()[1]


@pytest.mark.parametrize("source", ["тасс", "ТАСС", "Тасс"])
def test_case_does_not_matter_in_a_source_of_any_script(stored_in, source: str) -> None:
    page = stored_in(*DOCUMENTS).documents(Filters(source=(source,)), limit=9, offset=0)
    assert [document.path for document in page.documents] == ["ru/Новости_1.txt"]


_PATHS = st.text("ab/0.é", min_size=1, max_size=5)


@given(
    st.sets(_PATHS, min_size=1, max_size=8), st.lists(st.text("ab/0.é*?", min_size=1, max_size=5), min_size=1)
)
def test_a_path_is_a_file_a_folder_or_a_pattern(tmp_path_factory, paths: set[str], wanted: list[str]) -> None:
    path = tmp_path_factory.mktemp("paths") / "store.sqlite"
    with writing(path) as writer:
        for name in paths:
            writer.add(stored_document(name, "Text.", (0, 5)))
    store = Store(path)
    listed = store.documents(Filters(path=tuple(wanted)), 100, 0).documents
    assert {document.path for document in listed} == {
        name
        for name in paths
        if any(
            name == one
            or (name.startswith(one.rstrip("/") + "/") and name != one.rstrip("/") + "/")
            or _fits(name, one)
            for one in wanted
        )
    }
    store.close()


def _fits(name: str, pattern: str) -> bool:
    parts = {"*": ".*", "?": "."}
    return re.fullmatch("".join(parts.get(sign, re.escape(sign)) for sign in pattern), name) is not None


@given(st.lists(st.text("ab/.é*", max_size=6), max_size=6), st.text("ab/.é*?", min_size=1, max_size=5))
def test_paths_are_matched_one_by_one_as_a_shell_does(paths: list[str], pattern: str) -> None:
    assert matching(paths, pattern) == [_fits(path, pattern) for path in paths]


def test_a_run_of_stars_takes_no_longer_than_one() -> None:
    assert matching(["a" * 200, "a" * 200 + "b"], "*" * 60 + "b") == [False, True]


def test_without_filters_there_is_no_condition() -> None:
    assert conditions(Filters()) == ("", [])


def test_values_are_bound_and_never_part_of_the_sql() -> None:
    word = "R'); --"
    filters = Filters((word,), (word,), (word, f"{word}*"), word, word, (word,), (word,))
    where, values = conditions(filters)
    assert word not in where
    assert where.count("?") == len(values)


@given(st.sets(st.text("ab*?[]!-^", min_size=1, max_size=5), min_size=1, max_size=8), st.data())
def test_an_escaped_path_is_only_itself(tmp_path_factory, paths: set[str], data: st.DataObject) -> None:
    wanted = data.draw(st.sampled_from(sorted(paths)))
    escaped = escape_path(wanted)
    path = tmp_path_factory.mktemp("paths") / "store.sqlite"
    with writing(path) as writer:
        for name in paths - ({escaped} if escaped != wanted else set()):
            writer.add(stored_document(name, "Text.", (0, 5)))
    store = Store(path)
    listed = store.documents(Filters(path=(escaped,)), 100, 0).documents
    assert [document.path for document in listed] == [wanted]
    store.close()
