"""Files become documents with ids, languages and limits; keys stand for what the model reads."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from corpus import write
from fake_encoder import StandIn
from hypothesis import given
from hypothesis import strategies as st

from qa.errors import ReadError
from qa.index.store import StoredDocument
from qa.indexing import documents as module
from qa.indexing.documents import Deadline, DocumentReader, passage_input, vector_key
from qa.indexing.folder import Folder
from qa.readers.sandbox.parent import Contents
from qa.types import (
    Metadata,
    PassageInput,
    ReadFailure,
    Reading,
    RecognisedPage,
    SourceFile,
    Span,
    Table,
    WordBox,
)

TEXT = "Rice was sold to the port. It was dear.\n\nThe envoy spoke in the evening, to many people."


class Readings:
    """Stands in for the sandboxed reader: each file is what the test says."""

    def __init__(self, *items: Reading | ReadFailure | Exception) -> None:
        self._items = items
        self.contents: list[Contents] = []

    def read_all(self, files: Iterable[Contents]) -> Iterator[Iterator[Reading | ReadFailure]]:
        for file in files:
            self.contents.append(file)
            yield self._read()

    def _read(self) -> Iterator[Reading | ReadFailure]:
        for item in self._items:
            if isinstance(item, Exception):
                raise item
            yield item


def _documents(
    docs: Path, *items: Reading | ReadFailure | Exception, seconds: int = 60
) -> list[StoredDocument | ReadFailure]:
    reader = DocumentReader(Folder(docs, 2**20), Readings(*items), StandIn(), seconds)
    (documents,) = map(list, reader.read_all([SourceFile("a.txt", "0" * 64)]))
    return documents


def test_a_document_is_named_by_its_path_and_a_row_by_its_key_too(tmp_path: Path) -> None:
    whole, row = _documents(tmp_path, Reading(TEXT, "text/plain"), Reading(TEXT, "text/csv", key="7"))
    assert whole.document.id == hashlib.sha256(b"a.txt").hexdigest()[:16]
    assert row.document.id == hashlib.sha256(b"a.txt\x007").hexdigest()[:16]
    assert (whole.document.row, row.document.row) == (None, "7")
    assert (whole.document.sha256, whole.document.characters) == ("0" * 64, len(TEXT))
    assert whole.document.passages == len(whole.passages) > 0


def test_what_was_recognised_is_kept_with_its_certainty(tmp_path: Path) -> None:
    pages = (
        RecognisedPage(1, Span(0, 10), 0.5, (WordBox(0, 4, 0, 0, 1, 1),)),
        RecognisedPage(3, Span(10, 20), 1.0),
    )
    spans = (Span(0, 10), Span(10, 10), Span(10, len(TEXT)))
    scan, plain = _documents(
        tmp_path, Reading(TEXT, "image/tiff", pages=spans, recognised=pages), Reading(TEXT, "text/plain")
    )
    assert scan.recognised == pages
    assert (scan.document.certainty, scan.document.recognised_pages) == (0.75, 2)
    assert plain.recognised == ()
    assert (plain.document.certainty, plain.document.recognised_pages) == (None, 0)


def test_the_language_is_the_metadata_s_or_else_the_text_s(tmp_path: Path) -> None:
    plain, said = _documents(
        tmp_path, Reading(TEXT, "text/plain"), Reading(TEXT, "text/plain", Metadata(language="xx"))
    )
    assert (plain.document.metadata.language, said.document.metadata.language) == ("en", "xx")


def test_one_document_that_cannot_be_split_loses_only_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    split = module.passages.split_passages

    def refusing(reading: Reading, **options: object) -> object:
        if reading.key == "bad":
            raise ReadError("has too many sentences")
        return split(reading, **options)

    monkeypatch.setattr(module.passages, "split_passages", refusing)
    rows = [Reading(TEXT, "text/csv", key=key) for key in ("one", "bad", "two")]
    one, bad, two = _documents(tmp_path, *rows, ReadFailure("a.txt", "has no text", "three"))[:3]
    assert (one.document.row, two.document.row) == ("one", "two")
    assert bad == ReadFailure("a.txt", "has too many sentences", "bad")


def test_a_file_that_breaks_off_keeps_what_came_before(tmp_path: Path) -> None:
    first, failure = _documents(tmp_path, Reading(TEXT, "text/plain"), ReadError("is broken"))
    assert isinstance(first, StoredDocument)
    assert failure == ReadFailure("a.txt", "is broken")


def test_a_file_that_is_not_there_any_more_is_an_error_for_the_reader(tmp_path: Path) -> None:
    readings = Readings()
    reader = DocumentReader(Folder(tmp_path, 2**20), readings, StandIn(), 60)
    list(map(list, reader.read_all([SourceFile("gone.txt", "0" * 64)])))
    assert readings.contents[0].error == "cannot be opened: No such file or directory"
    write(tmp_path, {"gone.txt": TEXT})
    list(map(list, reader.read_all([SourceFile("gone.txt", "0" * 64)])))
    assert "has changed while the index was being built" in readings.contents[1].error


def test_splitting_has_a_time_limit(tmp_path: Path) -> None:
    (failure,) = _documents(tmp_path, Reading(TEXT * 50, "text/plain"), seconds=-1)
    assert "to divide into passages, which is the limit (read_seconds)" in failure.reason
    Deadline(60).check()


def test_what_the_model_reads_is_the_passage_with_its_context(tmp_path: Path) -> None:
    reading = Reading(TEXT, "text/plain", Metadata(title="Trade"))
    (document,) = _documents(tmp_path, reading)
    for passage in document.passages:
        model_input = passage_input(document, passage)
        assert model_input.text == passage.span.slice(TEXT)
        assert "Trade" in model_input.context
        assert [span.slice(model_input.text) for span in model_input.sentences] == [
            span.slice(TEXT) for span in passage.sentences
        ]


def test_a_key_stands_for_everything_that_the_model_reads() -> None:
    passage = PassageInput("Trade", "Rice was sold.", (Span(0, 14),))
    others = [
        replace(passage, context="Price"), replace(passage, text="Rice was bold."),
        replace(passage, sentences=(Span(0, 4), Span(5, 14))),
    ]  # fmt: skip
    assert vector_key(passage) == vector_key(replace(passage))
    assert len({vector_key(one) for one in (passage, *others)}) == 4


@given(st.lists(st.text(max_size=9), max_size=30), st.integers(1, 20))
def test_texts_are_measured_in_parts_of_which_none_is_lost(texts: list[str], most: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_MEASURED", most)
        parts = list(module._parts(texts))
    assert [text for part in parts for text in part] == texts
    assert all(sum(map(len, part[1:])) <= most for part in parts)


class _Pieces(StandIn):
    """Makes so many tokens of each word."""

    def __init__(self, pieces: float) -> None:
        super().__init__()
        self._pieces = pieces

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [round(self._pieces * len(text.split())) for text in texts]


@pytest.mark.parametrize(
    ("pieces", "passages"),
    [(1.25, 1), (2.0, 2), (2.4, 1), (5.0, 1)],
    ids=["English", "of many parts", "half known", "unknown"],
)
def test_a_language_that_the_model_knows_less_is_measured_in_words(
    tmp_path: Path, pieces: float, passages: int
) -> None:
    text = " ".join(["Rhein fließt weit."] * 15)  # 45 words, of which a token limit of 60 is 48 in English
    reader = DocumentReader(
        Folder(tmp_path, 2**20), Readings(Reading(text, "text/plain")), _Pieces(pieces), 60
    )
    ((document,),) = map(list, reader.read_all([SourceFile("a.txt", "0" * 64)]))
    assert isinstance(document, StoredDocument)
    assert len(document.passages) == passages


def test_the_model_reads_the_header_of_a_table_before_its_rows(tmp_path: Path) -> None:
    rows = "\n".join(f"Harbour {i} | {i}00" for i in range(1, 20))
    text = f"Name | Tons\n{rows}"
    lines = [Span(text.index(line), text.index(line) + len(line)) for line in text.splitlines()]
    reading = Reading(text, "text/html", tables=(Table(lines[0], tuple(lines[1:])),))
    (stored,) = _documents(tmp_path, reading)
    inputs = [passage_input(stored, passage) for passage in stored.passages]
    assert len(inputs) > 1
    assert {given_.context for given_ in inputs} == {"Name Tons"}
