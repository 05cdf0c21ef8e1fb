"""Building: an update equals a full build, one bad file loses one file, and a failure loses nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import chain, pairwise
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from corpus import DOCUMENTS, write, write_many
from fake_encoder import StandIn
from threadpoolctl import threadpool_info

import qa.embedding.loading
from qa import files
from qa.config import Settings
from qa.embedding.models import DEFAULT_MODEL
from qa.errors import (
    BuildError,
    ExportRefusedError,
    IndexUnavailableError,
    LockedError,
    ModelError,
    SettingsError,
)
from qa.index import generation
from qa.index.dense.vectors import Vectors, invert
from qa.index.generation import Generation
from qa.index.lexical.term_matches import hash_terms, look_up_terms
from qa.indexing import build as building
from qa.indexing import incremental, ledger, pipeline
from qa.indexing.build import Report, build
from qa.indexing.pipeline import PassageEmbedder
from qa.readers.sandbox import parent
from qa.retrieval.searcher import Searcher
from qa.text import sample
from qa.text.word_comparison import phrase_words
from qa.types import Filters, PassageInput, PassageVectors, Phrases, Query, ReadFailure


def _live(settings: Settings) -> Generation:
    return generation.load(generation.current(settings.index))


def _reasons(report: Report) -> dict[str, str]:
    return {failure.path: failure.reason for failure in report.failures}


def _generations(settings: Settings) -> list[str]:
    return sorted(path.name for path in (settings.index / "generations").iterdir())


def _assert_same(one: Generation, other: Generation) -> None:
    documents = list(one.store.all_documents())
    assert documents == list(other.store.all_documents())
    assert one.store.files() == other.store.files()
    assert one.store.failures() == other.store.failures()
    for path in one.store.files():
        assert list(one.store.stored(path)) == list(other.store.stored(path))
    np.testing.assert_array_equal(one.sentence_starts, other.sentence_starts)
    for name in ("passages", "sentences"):
        index, other_index = getattr(one, name), getattr(other, name)
        rows = np.arange(len(index))
        np.testing.assert_array_equal(index.vectors(rows), other_index.vectors(rows))
    np.testing.assert_array_equal(one.documents, other.documents)
    np.testing.assert_array_equal(one.languages, other.languages)
    assert one.tokens.segments == other.tokens.segments
    np.testing.assert_array_equal(one.tokens.projection, other.tokens.projection)
    for found, expected in zip(
        one.tokens.tokens(0, one.tokens.segments), other.tokens.tokens(0, other.tokens.segments), strict=True
    ):
        np.testing.assert_array_equal(found, expected)
    bounds = one.sentence_starts[:-1], one.sentence_starts[1:]
    for words in (["trade", "grew"], ["cambodia", "envoy", "визит"], ["nothing"]):
        # The numbers of the terms may differ: an index that has seen other documents knows other words.
        weights, other_weights = look_up_terms(words, one.lexical), look_up_terms(words, other.lexical)
        assert weights.weights == other_weights.weights
        matches = one.lexical.match_terms(weights, *bounds)
        other_matches = other.lexical.match_terms(other_weights, *bounds)
        for found, expected in zip(
            (*weights.scores.top(1000), matches.coverage(), matches.adjacency()),
            (*other_weights.scores.top(1000), other_matches.coverage(), other_matches.adjacency()),
            strict=True,
        ):
            np.testing.assert_array_equal(found, expected)
    rows = np.arange(len(one.passages))
    np.testing.assert_array_equal(one.near_duplicates(rows, 0.5), other.near_duplicates(rows, 0.5))
    _assert_same_words(one, other)


def _assert_same_words(one: Generation, other: Generation) -> None:
    words = sorted(set(one.words.iterate()))
    assert words == sorted(set(other.words.iterate()))
    for known, other_known in zip(one.spelling.look_up(words), other.spelling.look_up(words), strict=True):
        np.testing.assert_array_equal(known, other_known)
    texts = (one.store.text(document.id) for document in one.store.all_documents())
    for phrase in chain.from_iterable(pairwise(phrase_words(text)) for text in texts):
        phrases = Phrases(required=(phrase,))
        np.testing.assert_array_equal(one.allow(Filters(), phrases), other.allow(Filters(), phrases))


def test_a_build_reports_what_it_did(settings: Settings, encoder: StandIn) -> None:
    report = build(settings, encoder)
    assert report.changed
    assert report.documents == 5
    assert report.passages == report.embedded == len(encoder.encoded)
    assert report.seconds > 0
    assert [(failure.path, failure.row) for failure in report.failures] == [("notes/people.jsonl", "bad")]
    assert _live(settings).info.generation == report.generation


def test_failures_are_counted_and_the_first_named(
    settings: Settings, encoder: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generation, "MOST_FAILURES", 150)
    rows = '{"text": "One."}\n' + "{}\n" * 500
    write(
        settings.docs,
        {"notes/people.jsonl": rows, "a/rows.jsonl": rows} | {f"z{n}.txt": "" for n in range(9)},
    )
    first = build(settings, encoder)
    assert (first.failure_count, first.unread_files) == (1009, 11)
    assert len(first.failures) == 150
    assert [failure.path for failure in first.failures] == ["a/rows.jsonl"] * 101 + [
        "notes/people.jsonl"
    ] * 49
    assert first.failures[100].count == 400
    assert first.unnamed_failures == 1009 - 500 - 49
    # What is unchanged keeps its failures, all of them.
    write(settings.docs, {"new.txt": "Something new."})
    second = build(settings, encoder)
    assert (second.failure_count, second.unread_files) == (1009, 11)
    assert second.failures == first.failures
    assert _live(settings).store.failures("notes/people.jsonl")[-1].count == 400


def test_without_a_change_nothing_is_written(settings: Settings, encoder: StandIn) -> None:
    first = build(settings, encoder)
    encoder.encoded.clear()
    second = build(settings, encoder)
    assert (second.changed, second.generation, second.embedded) == (False, first.generation, 0)
    assert second.failures == first.failures
    assert _generations(settings) == [first.generation]
    assert encoder.encoded == []


def _add(docs: Path) -> None:
    write(docs, {"a/first.txt": "A new document comes first.", "z.txt": "Another comes last of all."})


def _change(docs: Path) -> None:
    write(docs, {"trade.md": DOCUMENTS["trade.md"].replace("by half", "by a third")})


def _rename(docs: Path) -> None:
    (docs / "envoy.txt").rename(docs / "the-envoy.txt")


def _delete(docs: Path) -> None:
    (docs / "trade.md").unlink()


def _change_sidecar(docs: Path) -> None:
    write(docs, {"ru/visit.txt.meta.toml": 'title = "Визит"\nsource = "РИА"\n'})


def _delete_sidecar(docs: Path) -> None:
    (docs / "ru" / "visit.txt.meta.toml").unlink()


def _change_row(docs: Path) -> None:
    rows = DOCUMENTS["notes/people.jsonl"].replace(
        '{"id": "bad"}', '{"id": "bad", "text": "It is good now."}'
    )
    write(docs, {"notes/people.jsonl": rows})


def _break(docs: Path) -> None:
    write(docs, {"trade.md": b"\xff\xfe\x00", "broken.pdf": b"no PDF"})


def _all(docs: Path) -> None:
    for change in (_add, _change, _rename, _change_sidecar, _change_row):
        change(docs)


@pytest.mark.parametrize(
    "change",
    [_add, _change, _rename, _delete, _change_sidecar, _delete_sidecar, _change_row, _break, _all],
)
def test_an_update_equals_a_full_build(settings: Settings, tmp_path: Path, change) -> None:
    build(settings, StandIn())
    change(settings.docs)
    update = build(settings, StandIn())
    afresh = replace(settings, index=tmp_path / "afresh")
    full = build(afresh, StandIn())
    assert update.changed
    assert update.embedded < full.embedded
    assert update.failures == full.failures
    _assert_same(_live(settings), _live(afresh))
    assert not build(settings, StandIn()).changed


@pytest.mark.parametrize("at_once", [1, 2, 5])
def test_passages_embedded_a_few_at_a_time_give_the_same(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    whole = replace(settings, index=tmp_path / "whole")
    build(whole, StandIn())
    with pytest.MonkeyPatch.context() as for_now:
        for_now.setattr("qa.indexing.pipeline.BATCH_SIZE", at_once)
        encoder = StandIn()
        report = build(settings, encoder)
        assert report.embedded == report.passages == len(encoder.encoded) > at_once
        _assert_same(_live(settings), _live(whole))
        _all(settings.docs)
        build(settings, StandIn())
    afresh = replace(settings, index=tmp_path / "afresh")
    build(afresh, StandIn())
    _assert_same(_live(settings), _live(afresh))


class _Checked(StandIn):
    """Keeps what it was asked to check itself on."""

    checked: ClassVar[list[list[str]]] = []

    def check(self, sentences: Sequence[str]) -> None:
        self.checked.append(list(sentences))


def test_the_model_is_checked_once_and_only_where_all_is_embedded(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qa.indexing.pipeline.BATCH_SIZE", 2)
    monkeypatch.setattr(_Checked, "checked", [])
    text = "The same again. " * 9 + "And not.\n\nThe same again. A third. A fourth."
    write(settings.docs, {"0.txt": text})
    build(settings, _Checked())
    (first,) = _Checked.checked
    assert first[:4] == ["The same again.", "And not.", "A third.", "A fourth."]
    assert len(set(first)) == len(first)
    _add(settings.docs)
    build(settings, _Checked())
    assert len(_Checked.checked) == 1
    build(settings, _Checked(fingerprint="other"))
    assert len(_Checked.checked) == 2


def test_the_model_is_checked_on_sentences_from_all_over_the_first_passages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qa.indexing.pipeline.BATCH_SIZE", 1000)
    monkeypatch.setattr(_Checked, "checked", [])
    build(Settings(docs=write_many(tmp_path / "docs"), index=tmp_path / "index"), _Checked())
    (checked,) = _Checked.checked
    assert 32 < len(checked) <= 64
    texts = [path.read_text("utf-8") for path in sorted((tmp_path / "docs").rglob("*.md"))]
    assert checked[0] in texts[0]
    assert checked[-1] in texts[-1]


def _blas_threads() -> set[int]:
    """Return how many threads numpy's linear algebra takes."""
    found = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    return {pool["num_threads"] for pool in found if pool["threading_layer"] == "pthreads"}


def test_blas_has_one_thread_as_long_as_others_may_fork(settings: Settings) -> None:
    seen = set()

    class Looking(StandIn):
        def encode_passages(self, passages: Sequence[PassageInput]) -> list[PassageVectors]:
            seen.update(_blas_threads())
            return super().encode_passages(passages)

    before = _blas_threads()
    build(settings, Looking())
    assert seen == {1}
    assert _blas_threads() == before


def test_passages_are_read_while_others_are_encoded(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_on = threading.Event()
    start_batch = PassageEmbedder._start_batch
    batches = []

    def noting(self: PassageEmbedder) -> None:
        batches.append(len(self._batch))
        if len(batches) == 2:
            read_on.set()
        start_batch(self)

    class Waiting(StandIn):
        def encode_passages(self, passages: Sequence[PassageInput]) -> list[PassageVectors]:
            if not all(passage.text in sample.lines() for passage in passages):
                assert read_on.wait(10)
            return super().encode_passages(passages)

    monkeypatch.setattr("qa.indexing.pipeline.BATCH_SIZE", 2)
    monkeypatch.setattr(PassageEmbedder, "_start_batch", noting)
    build(settings, Waiting())
    assert read_on.is_set()


def test_a_model_that_refuses_what_runs_it_leaves_the_old_index(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = build(settings, StandIn())

    def refuse(*_: object) -> None:
        raise ExportRefusedError("its vectors are others")

    monkeypatch.setattr(_Checked, "check", refuse)
    with pytest.raises(ExportRefusedError):
        build(settings, _Checked(fingerprint="other"))
    assert generation.current(settings.index).name == old.generation
    assert build(settings, StandIn(fingerprint="third")).changed
    assert len(_generations(settings)) == 2


def test_the_memory_that_may_be_used_decides_on_the_index_of_the_vectors(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = []

    def note(written: Vectors, path: Path, memory: int) -> dict[str, object]:
        given.append((len(written), written.dimension, path.name, memory))
        return {"kind": "noted"}

    monkeypatch.setattr("qa.index.dense.vectors.invert", note)
    build(replace(settings, vector_memory_mb=7), StandIn())
    live = _live(settings)
    assert given == [(live.manifest.sentences, 48, "sentences.faiss", 7 * 2**20)]
    assert live.manifest.vectors == {"kind": "noted"}


@pytest.mark.parametrize(("memory", "kind"), [(2048, "IVF,RaBitQ2"), (0, "IVF,RaBitQ")])
def test_many_sentences_are_found_as_few_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, large: Generation, memory: int, kind: str
) -> None:
    monkeypatch.setattr("qa.index.dense.vectors.invert", partial(invert, few=0))
    settings = Settings(docs=write_many(tmp_path / "docs"), index=tmp_path / "index", vector_memory_mb=memory)
    (settings.docs / "b" / "59.md").unlink()
    build(settings, StandIn())
    write_many(settings.docs)
    assert build(settings, StandIn()).embedded <= 5
    live = _live(settings)
    assert live.manifest.vectors["kind"] == kind
    assert live.manifest.vectors["recall@10"] > 0.95
    assert generation.INVERTED in live.manifest.files
    generation.verify(live.folder)
    _assert_same(live, large)
    few, many = Searcher(large, StandIn()), Searcher(live, StandIn())
    for question in ("rice in the port", "a doctor at the temple bridge", "harvest season tax", "the border"):
        for filters in (Filters(), Filters(source=("S1",))):
            query = Query(question, k=5, filters=filters)
            assert _found(many, query) == _found(few, query)


def _found(searcher: Searcher, query: Query) -> list[tuple[str, float]]:
    return [(hit.passage.id, round(hit.score, 4)) for hit in searcher.search(query).hits]


def test_only_what_is_new_is_embedded(settings: Settings) -> None:
    build(settings, StandIn())
    _rename(settings.docs)
    assert build(settings, StandIn()).embedded == 0
    _add(settings.docs)
    encoder = StandIn()
    assert build(settings, encoder).embedded == 2
    assert sorted(passage.text[:9] for passage in encoder.encoded) == ["A new doc", "Another c"]


def test_another_model_embeds_everything_anew(settings: Settings) -> None:
    first = build(settings, StandIn())
    second = build(settings, StandIn(fingerprint="other", dimension=24))
    assert second.embedded == first.passages
    assert second.reason == "full rebuild: the model is another one"
    assert _live(settings).passages.dimension == 24


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        ("readers", "this version reads files in another way"),
        ("passages", "this version divides texts in another way"),
        ("inverted_index", "this version indexes words in another way"),
        ("late_interaction", "this version keeps token vectors in another way"),
    ],
)
def test_another_version_of_a_part_rebuilds(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, module: str, reason: str
) -> None:
    first = build(settings, StandIn())
    monkeypatch.setattr(getattr(incremental, module), "VERSION", 10**6)
    report = build(settings, StandIn())
    assert report.reason == f"full rebuild: {reason}"
    assert report.embedded == (first.passages if module == "late_interaction" else 0)


def test_another_way_to_recognise_pictures_reads_all_files_again(settings: Settings) -> None:
    build(settings, StandIn())
    assert build(settings, StandIn()).reason == "nothing has changed"
    reason = build(replace(settings, ocr="off"), StandIn()).reason
    assert reason.startswith("full rebuild: text in pictures is recognised in another way")


def test_every_reason_for_a_full_rebuild_has_words(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(settings, StandIn())
    made_with = _live(settings).manifest.made_with
    monkeypatch.setattr(building, "made_with", lambda *_: dict.fromkeys(made_with, "another"))
    reason = build(settings, StandIn()).reason
    assert reason.startswith(
        "full rebuild: the model is another one; this version reads files in another way; "
    )
    assert len(reason.split("; ")) == len(made_with)


def test_the_reason_counts_files(settings: Settings) -> None:
    build(settings, StandIn())
    _all(settings.docs)
    assert build(settings, StandIn()).reason == "files: 3 new, 3 changed, 1 gone"
    _delete_sidecar(settings.docs)
    assert build(settings, StandIn()).reason == "files: 0 new, 1 changed, 0 gone"
    (settings.docs / "dangling.txt").symlink_to("nowhere.txt")
    assert build(settings, StandIn()).reason == "other files than before cannot be read"


def test_bad_files_are_named_and_lose_only_themselves(settings: Settings, encoder: StandIn) -> None:
    good = build(settings, encoder)
    outside = write(settings.docs.parent, {"secret.txt": "A secret outside of the folder."}) / "secret.txt"
    (settings.docs / "link.txt").symlink_to(outside)
    (settings.docs / "dangling.txt").symlink_to("nowhere.txt")
    (settings.docs / "loop.txt").symlink_to("loop.txt")
    os.mkfifo(settings.docs / "pipe.txt")
    (settings.docs / "ru" / "two.txt.meta.toml").mkdir()
    write(
        settings.docs,
        {
            "broken.pdf": b"%PDF-1.7 no",
            "empty.txt": b"",
            "ru/two.txt": "Its sidecar is a folder.",
            "sidecar.txt": "Its sidecar is no TOML.",
            "sidecar.txt.meta.toml": "= = =",
            "large.txt": b"x" * (2**20 + 1),
        },
    )
    reasons = _reasons(report := build(replace(settings, max_file_mb=1), encoder))
    assert report.documents == good.documents
    assert "outside" in reasons["link.txt"]
    assert "No such file" in reasons["dangling.txt"]
    assert "loop.txt" in reasons
    assert "regular file" in reasons["pipe.txt"]
    assert "more than 1 MB" in reasons["large.txt"]
    assert "two.txt.meta.toml" in reasons["ru/two.txt"]
    assert "sidecar.txt.meta.toml" in reasons["sidecar.txt"]
    assert {"broken.pdf", "empty.txt"} <= reasons.keys()
    assert not build(replace(settings, max_file_mb=1), encoder).changed


class _SlowTokenizer(StandIn):
    """Takes more than a second to count the tokens of a text that says so."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        until = time.thread_time() + 1.2 * any("tardy" in text for text in texts)
        while time.thread_time() < until:
            pass
        return super().count_tokens(texts)


def test_a_document_that_takes_long_to_divide_is_named_and_loses_only_itself(settings: Settings) -> None:
    rows = '{"id": "one", "text": "A tardy row."}\n{"id": "two", "text": "A quick row."}\n'
    write(settings.docs, {"a.txt": "A tardy text.", "b.txt": "A quick text.", "rows.jsonl": rows})
    report = build(replace(settings, read_seconds=1), _SlowTokenizer())
    reason = "takes more than 1 seconds to divide into passages, which is the limit (read_seconds)"
    assert ReadFailure("a.txt", reason) in report.failures
    assert ReadFailure("rows.jsonl", reason, "one") in report.failures
    paths = [(one.path, one.row) for one in _live(settings).store.all_documents()]
    assert ("b.txt", None) in paths
    assert ("rows.jsonl", "two") in paths


def test_a_heading_of_a_megabyte_does_not_make_the_index_large(
    settings: Settings, tmp_path: Path, encoder: StandIn
) -> None:
    text = "\n\n".join(f"Paragraph {i} says a few words more than a fragment. " * 6 for i in range(100))
    write(tmp_path / "long", {"a.md": f"# {'heading ' * 125_000}\n\n{text}\n"})
    build(replace(settings, docs=tmp_path / "long"), encoder)
    live = _live(settings)
    store = live.folder / generation.STORE
    assert store.stat().st_size < 5_000_000
    assert all(len(one.section or "") <= 600 for one in live.store.passages(range(live.manifest.passages)))


def test_a_link_inside_the_folder_is_followed(settings: Settings, encoder: StandIn) -> None:
    (settings.docs / "again.txt").symlink_to("envoy.txt")
    assert "again.txt" not in _reasons(build(settings, encoder))
    assert "again.txt" in _live(settings).store.files()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_named(settings: Settings, encoder: StandIn) -> None:
    (settings.docs / "envoy.txt").chmod(0)
    assert "Permission denied" in _reasons(build(settings, encoder))["envoy.txt"]


def test_a_name_that_is_not_utf8_is_named(settings: Settings, encoder: StandIn) -> None:
    try:
        Path(os.fsdecode(os.fsencode(settings.docs) + b"/caf\xe9.txt")).write_text("A text.")
    except OSError:
        pytest.skip("the file system takes no such name")
    assert "not UTF-8" in _reasons(build(settings, encoder))["caf\\udce9.txt"]
    assert not build(settings, encoder).changed


def test_a_file_is_found_by_the_words_of_its_path(settings: Settings, encoder: StandIn) -> None:
    titled = "---\ntitle: Yearly figures\n---\nRevenue rose by a fifth."
    write(settings.docs, {"filings/LEITH_2017Report.md": titled, "filings/OTHER_2018Report.md": titled})
    build(settings, encoder)
    live = generation.load(generation.current(settings.index))
    _, frequencies = live.lexical.look_up(hash_terms(["leith", "2017report", "2018report"]))
    assert frequencies.tolist() == [1, 1, 1]


def test_hidden_files_and_unknown_kinds_are_left_alone(settings: Settings, encoder: StandIn) -> None:
    good = build(settings, encoder)
    write(settings.docs, {".hidden.txt": "x", ".git/notes.txt": "x", "photo.psd": b"x", "Makefile": "x"})
    assert not build(settings, encoder).changed
    assert good.documents == _live(settings).info.documents


@pytest.mark.parametrize("name", [".meta.toml", ".META.TOML", "sub/.meta.toml"])
def test_a_sidecar_of_nothing_is_hidden_and_stops_no_build(
    settings: Settings, encoder: StandIn, name: str
) -> None:
    good = build(settings, encoder)
    write(settings.docs, {name: 'title = "x"'})
    report = build(settings, encoder)
    assert (report.changed, report.documents, report.failures) == (False, good.documents, good.failures)
    states = {entry.path: entry.reason for entry in ledger.entries(settings.index)}
    assert "hidden" in states[name]


def test_a_file_whose_sidecar_could_have_no_name_is_read(settings: Settings, encoder: StandIn) -> None:
    """A name may have 255 bytes, and the sidecar's is ten longer."""
    names = ["a" * 251 + ".txt", "é" * 122 + ".md"]
    write(settings.docs, dict.fromkeys(names, "A harbour with a long name."))
    assert not _reasons(build(settings, encoder)).keys() & set(names)
    assert not build(settings, encoder).changed


def test_a_file_that_changes_while_it_is_read_is_named(
    settings: Settings, encoder: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def count_and_change(texts: list[str]) -> list[int]:
        write(settings.docs, {"trade.md": "Another text."})
        return StandIn().count_tokens(texts)

    monkeypatch.setattr(encoder, "count_tokens", count_and_change)
    monkeypatch.setattr(parent, "_MAX_QUEUED", 0)  # it is opened after the one before is divided
    assert "has changed" in _reasons(build(settings, encoder))["trade.md"]
    assert "trade.md" not in _reasons(build(settings, encoder))
    (stored,) = _live(settings).store.stored("trade.md")
    assert stored.text == "Another text."


def test_a_file_that_vanishes_while_others_are_read_is_named(
    settings: Settings, encoder: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def count_and_remove(texts: list[str]) -> list[int]:
        (settings.docs / "trade.md").unlink(missing_ok=True)
        return StandIn().count_tokens(texts)

    monkeypatch.setattr(encoder, "count_tokens", count_and_remove)
    monkeypatch.setattr(parent, "_MAX_QUEUED", 0)  # it is opened after the one before is divided
    assert "No such file" in _reasons(build(settings, encoder))["trade.md"]
    assert "trade.md" not in _reasons(build(settings, encoder))


def test_a_folder_that_cannot_be_listed_is_named_and_loses_only_itself(
    settings: Settings, encoder: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = files.list_inside

    def list_(root: Path, path: str):
        if path == "ru":
            raise PermissionError(13, "Permission denied")
        return whole(root, path)

    with monkeypatch.context() as for_now:
        for_now.setattr(files, "list_inside", list_)
        report = build(settings, encoder)
    assert _reasons(report)["ru"] == "cannot be listed: Permission denied"
    assert report.documents == 4
    assert build(settings, encoder).documents == 5


def test_an_empty_folder_gives_an_empty_index(settings: Settings, tmp_path: Path, encoder: StandIn) -> None:
    (tmp_path / "empty").mkdir()
    report = build(replace(settings, docs=tmp_path / "empty"), encoder)
    assert (report.documents, report.passages) == (0, 0)
    generation.verify(generation.current(settings.index))
    assert build(settings, encoder).documents == 5
    assert build(replace(settings, docs=tmp_path / "empty"), encoder, allow_empty=True).documents == 0


def test_a_missing_folder_is_an_error_and_the_index_stays(
    settings: Settings, tmp_path: Path, encoder: StandIn
) -> None:
    report = build(settings, encoder)
    with pytest.raises(BuildError, match=r"nowhere is not there"):
        build(replace(settings, docs=tmp_path / "nowhere"), encoder)
    assert _live(settings).info.generation == report.generation


def test_an_index_folder_that_cannot_be_created_is_a_build_error(
    settings: Settings, tmp_path: Path, encoder: StandIn
) -> None:
    (tmp_path / "file").write_text("x")
    for place in (tmp_path / "file", tmp_path / "file" / "index"):
        with pytest.raises(BuildError, match="cannot be written"):
            build(replace(settings, index=place), encoder)


def test_a_locked_index_names_the_process_that_holds_it(settings: Settings, encoder: StandIn) -> None:
    build(settings, encoder)
    hold = (
        "import sys; from pathlib import Path; from qa.indexing.lock import hold\n"
        "with hold(Path(sys.argv[1])): print('held', flush=True); input()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", hold, settings.index], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(LockedError, match=rf"process {process.pid} since \d{{4}}-"):
            build(settings, encoder)
        process.kill()
    assert not build(settings, encoder).changed


def _failing_encoder(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> type[Exception]:
    def fail(_: object) -> None:
        raise ModelError("the model is gone")

    monkeypatch.setattr(StandIn, "encode_passages", lambda self, passages: fail(passages))
    return ModelError


def _interrupted_encoder(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> type[BaseException]:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(StandIn, "encode_passages", stop)
    return KeyboardInterrupt


def _failing_disk(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> type[Exception]:
    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    return BuildError


def _failing_last_step(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> type[Exception]:
    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(pipeline, "make_live", fail)
    return BuildError


def _failing_memory(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> type[Exception]:
    # What was written is not what came onto the disk.
    whole = files.sync_tree

    def damage(folder: Path) -> None:
        whole(folder)
        path = folder / generation.SENTENCES
        path.write_bytes(path.read_bytes()[:-1] + b"\x55")

    monkeypatch.setattr(files, "sync_tree", damage)
    return IndexUnavailableError


@pytest.mark.parametrize(
    "fail", [_failing_encoder, _interrupted_encoder, _failing_disk, _failing_last_step, _failing_memory]
)
def test_a_failure_leaves_the_old_generation_live(settings: Settings, fail) -> None:
    old = build(settings, StandIn())
    _add(settings.docs)
    with pytest.MonkeyPatch.context() as monkeypatch:
        expected = fail(settings, monkeypatch)
        with pytest.raises(expected):
            build(settings, StandIn())
    assert generation.current(settings.index).name == old.generation
    generation.verify(generation.current(settings.index))
    new = build(settings, StandIn())
    assert (new.changed, new.documents) == (True, old.documents + 2)
    assert not [name for name in _generations(settings) if name.startswith(".")]
    generation.verify(generation.current(settings.index))


def test_a_failing_disk_says_what_it_means(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    build(settings, StandIn())
    _add(settings.docs)
    _failing_disk(settings, monkeypatch)
    with pytest.raises(BuildError, match=r"No space left on device.*the previous index stays live"):
        build(settings, StandIn())


def test_old_generations_go_but_for_the_last(settings: Settings) -> None:
    made = []
    for i in range(5):
        write(settings.docs, {"a.txt": f"This is version {i} of the text."})
        made.append(build(settings, StandIn()).generation)
    build(settings, StandIn())
    assert len(_generations(settings)) == 2
    assert made[-1] in _generations(settings)


@pytest.mark.parametrize("name", ["store.sqlite", "sentences.int16", "manifest.json", "lexical/hashes.npy"])
def test_a_damaged_index_is_built_anew_and_not_copied_from(
    settings: Settings, tmp_path: Path, name: str
) -> None:
    build(settings, StandIn())
    path = generation.current(settings.index) / name
    data = bytearray(path.read_bytes())
    data[-30] ^= 0x10
    path.write_bytes(data)
    report = build(settings, StandIn())
    assert report.changed
    assert "no readable index" in report.reason
    afresh = replace(settings, index=tmp_path / "afresh")
    build(afresh, StandIn())
    _assert_same(_live(settings), _live(afresh))


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"nobody\n", b"../..\n"])
def test_a_damaged_current_is_built_anew(settings: Settings, content: bytes) -> None:
    build(settings, StandIn())
    (settings.index / "CURRENT").write_bytes(content)
    assert build(settings, StandIn()).changed
    assert _live(settings).info.documents == 5


def test_foreign_files_among_the_generations_do_no_harm(settings: Settings) -> None:
    build(settings, StandIn())
    write(settings.index / "generations", {".DS_Store": b"x", "notes.txt": b"x"})
    assert not build(settings, StandIn()).changed


def test_a_row_whose_key_is_half_a_character_loses_only_itself(settings: Settings, encoder: StandIn) -> None:
    rows = (
        '{"id": "a\\ud83d", "text": "One."}\n{"id": "b\\ud83d\\ude00", "text": "Two."}\n{"id": "\\udc00"}\n'
    )
    write(settings.docs, {"rows.jsonl": rows})
    report = build(settings, encoder)
    failures = {failure.row: failure.reason for failure in report.failures if failure.path == "rows.jsonl"}
    assert failures.keys() == {"a\ufffd", "\ufffd"}
    assert [stored.document.row for stored in _live(settings).store.stored("rows.jsonl")] == ["b😀"]
    assert not build(settings, encoder).changed


def test_links_to_folders_are_named(settings: Settings, tmp_path: Path, encoder: StandIn) -> None:
    outside = write(tmp_path / "outside", {"secret.txt": "A secret."})
    (settings.docs / "linked").symlink_to(outside)
    (settings.docs / "ru" / "up").symlink_to(settings.docs)
    (settings.docs / "named.txt").symlink_to(settings.docs / "notes")
    (settings.docs / ".hidden").symlink_to(outside)
    reasons = _reasons(build(settings, encoder))
    for name in ("linked", "ru/up", "named.txt"):
        assert reasons[name] == "is a link to a folder: links to folders are not followed"
    assert ".hidden" not in reasons
    assert _live(settings).info.documents == 5
    assert not build(settings, encoder).changed


def test_a_failure_of_one_row_keeps_the_others(settings: Settings, encoder: StandIn) -> None:
    report = build(settings, encoder)
    rows = [document.row for document in _live(settings).store.all_documents() if document.row]
    assert rows == ["sok", "hun"]
    assert isinstance(report.failures[0], ReadFailure)


def test_building_on_a_cluster_without_ray_names_the_extra(
    settings: Settings, encoder: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "qa.indexing.ray_workers", raising=False)
    monkeypatch.delattr("qa.indexing.ray_workers", raising=False)
    with pytest.raises(SettingsError, match=r"install the extra, pip install '\.\[ray\]'"):
        build(replace(settings, ray="local"), encoder)
    assert build(settings, encoder).changed
    assert not build(replace(settings, ray="local"), encoder).changed  # for nothing is to be done


def test_shards_of_a_build_that_was_stopped_go_with_the_next(settings: Settings, encoder: StandIn) -> None:
    write(settings.index / "shards", {"of-before": b"x"})
    build(settings, encoder)
    assert not (settings.index / "shards").exists()


def test_an_export_that_the_documents_refuse_is_replaced_by_the_model(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    encoders: list[StandIn] = []
    export, model = StandIn("export"), StandIn(DEFAULT_MODEL)

    def build_or_refuse(settings: Settings, encoder: StandIn, **_: object) -> Report:
        encoders.append(encoder)
        if encoder is export:
            raise ExportRefusedError("the export does not keep the vectors")
        return build(settings, encoder)

    monkeypatch.setattr(building, "build", build_or_refuse)
    monkeypatch.setattr(qa.embedding.loading, "load_encoder", lambda *_: export)
    monkeypatch.setattr(qa.embedding.loading, "load_plain", lambda *_: model)
    assert building.build_with_model(settings).documents == 5
    assert encoders == [export, model]
    assert caplog.messages == ["the export does not keep the vectors"]


def test_an_index_of_an_older_format_is_built_anew(settings: Settings) -> None:
    build(settings, StandIn())
    manifest = generation.current(settings.index) / "manifest.json"
    content = json.loads(manifest.read_text("utf-8"))
    manifest.chmod(0o644)
    manifest.write_text(json.dumps(content | {"format": content["format"] - 1}), "utf-8")
    report = build(settings, StandIn())
    assert report.changed
    assert report.embedded == report.passages
    assert "readable index" in report.reason
    assert _live(settings).info.documents == report.documents
