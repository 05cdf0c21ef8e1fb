"""Which passages the model can't read, by language: counted in a build, and kept in the ledger."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from corpus import write
from fake_encoder import Anglophone, StandIn

from qa.config import Settings
from qa.embedding.export.encoder import ExportedEncoder
from qa.index import generation
from qa.index.store import Store
from qa.indexing import build as building
from qa.indexing import ledger
from qa.indexing.build import build
from qa.indexing.illegible import count_illegible

ENGLISH = "The ferry between the islands runs twice a day in summer, and only on Mondays in winter."
FRENCH = "Le bac entre les îles circule deux fois par jour en été, et seulement le lundi en hiver."
RUSSIAN = "Паром между островами ходит летом дважды в день, а зимой только по понедельникам."
GREEK = "Το φέρι ανάμεσα στα νησιά περνά δύο φορές την ημέρα το καλοκαίρι και κάθε Δευτέρα τον χειμώνα."
KHMER = "សាឡាងរវាងកោះទាំងនេះធ្វើដំណើរពីរដងក្នុងមួយថ្ងៃនៅរដូវក្តៅ ហើយនៅរដូវរងាតែថ្ងៃចន្ទប៉ុណ្ណោះ។" * 2
CHINESE = (
    "夏季渡轮每天在岛屿之间往返两次，冬季仅在星期一开行。票可以在码头购买，儿童免费，请提前到达码头等候上船。"
    * 2
)
NUMBERS = "\n".join(f"{n * 7919:,} {n * 104729} {n}.{n * 31337}" for n in range(1, 60))


def _store(tmp_path: Path, documents: dict[str, str]) -> Store:
    (tmp_path / "some").mkdir()
    settings = Settings(docs=write(tmp_path / "some", documents), index=tmp_path / "index")
    build(settings, StandIn())
    return generation.load(generation.current(settings.index)).store


def test_the_default_model_reads_latin_letters_alone(tmp_path: Path, default: ExportedEncoder) -> None:
    texts = {"en": ENGLISH, "fr": FRENCH, "ru": RUSSIAN, "el": GREEK, "km": KHMER, "zh": CHINESE}
    documents = {f"{code}.txt": text for code, text in texts.items()} | {"ru2.txt": f"{RUSSIAN} Да."}
    store = _store(tmp_path, documents | {"numbers.txt": NUMBERS})
    counts = count_illegible(store, default)
    assert counts.keys() == {"ru", "el", "km", "zh"}
    assert (counts["ru"], counts["el"]) == (2, 1)


def test_short_passages_count_by_their_language_together(tmp_path: Path, default: ExportedEncoder) -> None:
    goods = ["синяя краска", "белая бумага", "мягкая глина", "тонкая кисть", "новый холст", "чёрная тушь"]
    rows = "".join(f'{{"text": "{name}, номер {n}"}}\n' for n, name in enumerate(goods))
    plain = "".join(f'{{"text": "paint {n}"}}\n' for n in range(3))
    store = _store(tmp_path, {"goods.jsonl": rows, "plain.jsonl": plain})
    assert store.count_languages() == {None: 9}
    assert count_illegible(store, default) == {"ru": 6}


def test_a_script_stands_for_an_unknown_language(tmp_path: Path, default: ExportedEncoder) -> None:
    store = _store(tmp_path, {"a.txt": "ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ", "b.txt": ENGLISH})
    assert count_illegible(store, default) == {"Cherokee script": 1}


def test_rows_of_a_language_are_spread_evenly(large: generation.Generation) -> None:
    counts = large.store.count_languages()
    for language, count in counts.items():
        every = large.store.spread_rows(language, count)
        assert len(every) == count
        few = large.store.spread_rows(language, 7)
        assert len(few) == min(7, count)
        assert few == every[:: -(-count // 7)]
    assert large.store.spread_rows("xx", 7) == []


def test_a_build_reports_and_keeps_them(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    report = build(settings, Anglophone())
    assert report.illegible == {"ru": 1}
    assert ledger.summary(settings.index).illegible == {"ru": 1}
    monkeypatch.setattr(building, "count_illegible", None)
    again = build(settings, Anglophone())  # it is not counted again
    assert not again.changed
    assert again.illegible == {"ru": 1}
    assert ledger.summary(settings.index).illegible == {"ru": 1}


def test_they_are_counted_anew_in_a_new_generation(settings: Settings) -> None:
    build(settings, Anglophone())
    write(settings.docs, {"ru/ferry.txt": RUSSIAN})
    assert build(settings, Anglophone()).illegible == {"ru": 2}


def test_they_are_counted_if_an_older_version_wrote_the_ledger(settings: Settings) -> None:
    build(settings, Anglophone())
    with sqlite3.connect(settings.index / ledger.NAME) as db:
        db.execute("DROP TABLE illegible")
    db.close()
    assert ledger.summary(settings.index).illegible == {}
    assert build(settings, Anglophone()).illegible == {"ru": 1}


def test_to_forget_files_keeps_them(settings: Settings) -> None:
    build(settings, Anglophone())
    ledger.forget(settings.index, lambda path: path == "trade.md")
    assert ledger.summary(settings.index).illegible == {"ru": 1}


def test_an_empty_index_has_none(tmp_path: Path) -> None:
    assert count_illegible(_store(tmp_path, {}), Anglophone()) == {}
