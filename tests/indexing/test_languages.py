"""The language of every passage, as a build keeps it for the search."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from corpus import write
from fake_encoder import StandIn

from qa.config import Settings
from qa.index import generation
from qa.index.generation import Generation
from qa.indexing.build import build

ENGLISH = (
    "The ministers of the two countries have agreed on what should be done about the harbour and its "
    "railway, which was closed after the storms of last year."
)
RUSSIAN = (
    "Министры двух стран договорились о том, что должно быть сделано с портом и его железной дорогой, "
    "которая была закрыта после бурь прошлого года."
)
DOCUMENTS = {
    "english.txt": ENGLISH,
    "mixed.txt": f"{ENGLISH}\n\n{RUSSIAN}\n\n{ENGLISH}",
    "short.txt": "Harbour 1998",
    "told.txt": "Hafen 1998",
    "told.txt.meta.toml": 'language = "de"\n',
    "told_otherwise.txt": f"{RUSSIAN}\n\nHafen 1998",
    "told_otherwise.txt.meta.toml": 'language = "de-AT"\n',
}
EXPECTED = {
    "english.txt": {"en"},
    "mixed.txt": {"en", "ru"},
    "short.txt": {""},
    "told.txt": {"de"},
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(docs=write(tmp_path / "docs", DOCUMENTS), index=tmp_path / "index")


def _built(settings: Settings) -> Generation:
    build(settings, StandIn())
    return generation.load(generation.current(settings.index))


def _of(built: Generation) -> dict[str, list[str]]:
    rows = np.arange(len(built.passages))
    codes = [code.decode() for code in built.passage_languages(rows).tolist()]
    found: dict[str, list[str]] = {}
    for passage, code in zip(built.store.passages(rows.tolist()), codes, strict=True):
        found.setdefault(passage.document.path, []).append(code)
    return found


def test_a_passage_has_its_own_language_or_its_documents(settings: Settings) -> None:
    built = _built(settings)
    found = _of(built)
    for path, codes in EXPECTED.items():
        assert set(found[path]) == codes
    assert set(found["told_otherwise.txt"]) <= {"ru", "de"}
    rows = np.arange(len(built.passages))
    for passage, code in zip(
        built.store.passages(rows.tolist()), built.passage_languages(rows).tolist(), strict=True
    ):
        assert code.decode() == (passage.language or passage.document.metadata.language or "")


def test_rows_are_asked_for_in_any_order(settings: Settings) -> None:
    built = _built(settings)
    rows = np.array([*range(len(built.passages) - 1, -1, -1), 0])
    assert built.passage_languages(rows).tolist() == [built.languages[row] for row in rows.tolist()]
    assert built.passage_languages(np.empty(0, np.int64)).tolist() == []


def test_an_update_keeps_the_languages_that_a_full_build_finds(settings: Settings, tmp_path: Path) -> None:
    _built(settings)
    write(settings.docs, {"new.txt": RUSSIAN, "english.txt": f"{ENGLISH}\n\n{RUSSIAN}"})
    (settings.docs / "short.txt").unlink()
    updated = _of(_built(settings))
    assert updated == _of(_built(Settings(docs=settings.docs, index=tmp_path / "anew")))
    assert updated["new.txt"] == ["ru"]


def test_codes_of_three_letters_are_kept_whole() -> None:
    """Some languages have no code of two, and the first two letters may be another language's."""
    assert np.array(["yue", "en", ""], generation.LANGUAGE).tolist() == [b"yue", b"en", b""]
