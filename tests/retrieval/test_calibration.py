"""Calibration: what is measured, what follows from it, and the file that keeps it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from corpus import DOCUMENTS, write, write_many
from fake_encoder import StandIn
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from qa.arrays import Affine, unit
from qa.cli.commands import main
from qa.config import Settings
from qa.errors import CorruptIndexError
from qa.index import calibration_file, generation
from qa.index.generation import Generation
from qa.index.manifest import seal
from qa.indexing.build import build
from qa.retrieval import calibration, ranking
from qa.retrieval.calibration import LANGUAGES, REFERENCE, Measured, measure
from qa.retrieval.evidence import Evidence, Nearest
from qa.retrieval.ranking import Calibration
from qa.retrieval.searcher import LiveSearcher, Searcher
from qa.types import Encoder, Float32, Mode, PassageInput, PassageVectors, Query, QueryVectors

_QUESTIONS = ["Which minister spoke of the harvest?", "rice port bridge", "zeppelin"]
_STRETCHED = Calibration(Affine(2.0, -1.0), Affine(1.5, -0.5), bias=-1.0, illegible_bias=-2.0)


class Squeezed:
    """A stand-in whose cosines are (cosine + 3) / 4: its vectors have something in common."""

    name = "squeezed"
    fingerprint = "squeezed"

    def __init__(self) -> None:
        self._plain = StandIn()
        self.dimension = self._plain.dimension + 1
        self.max_tokens = self._plain.max_tokens
        self.count_tokens = self._plain.count_tokens
        self.check, self.save = self._plain.check, self._plain.save

    def encode_queries(self, questions: Sequence[str]) -> list[QueryVectors]:
        return [
            replace(one, vector=_squeeze(one.vector), tokens=_squeeze(one.tokens))
            for one in self._plain.encode_queries(questions)
        ]

    def encode_passages(self, passages: Sequence[PassageInput]) -> list[PassageVectors]:
        return [
            replace(
                one,
                passage=_squeeze(one.passage),
                sentences=_squeeze(one.sentences),
                tokens=_squeeze(one.tokens),
            )
            for one in self._plain.encode_passages(passages)
        ]


def _squeeze(vectors: Float32) -> Float32:
    own = unit(vectors)
    return unit(np.concatenate([own, np.full((*own.shape[:-1], 1), 3**0.5)], axis=-1))


@pytest.fixture(scope="module")
def squeezed(tmp_path_factory: pytest.TempPathFactory) -> Generation:
    """The generation ``large`` as ``Squeezed`` makes it."""
    root = tmp_path_factory.mktemp("squeezed")
    settings = Settings(docs=write_many(root / "docs"), index=root / "index")
    build(settings, Squeezed())
    return generation.load(generation.current(settings.index))


def _signals(found: Generation, encoder: Encoder, made: Calibration) -> list[ranking.Signals]:
    rows = np.arange(len(found.passages))
    asked = encoder.encode_queries(_QUESTIONS)
    gathered = [
        Evidence.gather(
            found,
            Query(question),
            20,
            languages=["en"],
            nearest=partial(Nearest.find, found, vectors, 20, None),
            allowed=None,
            calibration=made,
        )
        for question, vectors in zip(_QUESTIONS, asked, strict=True)
    ]
    return [one._examined(rows) | one.sentences(rows)[0] for one in gathered]


# What follows from what is measured


@given(st.floats(-0.5, 0.97), st.sampled_from(sorted(REFERENCE.values())))
def test_a_map_brings_the_mean_to_the_reference_and_leaves_one_where_it_is(mean: float, usual: float) -> None:
    found = calibration._map(mean, usual)
    if abs(mean - usual) <= calibration._AS_USUAL:
        assert found == Affine()
        return
    low, high = found(np.array([mean, 1], np.float32))
    assert low == pytest.approx(usual, abs=1e-4)
    assert high == pytest.approx(1, abs=1e-5)
    assert found.scale > 0


@given(st.lists(st.floats(-20, 20, width=32), max_size=60))
def test_a_bias_only_takes_down_and_no_further_than_it_must_and_may(log_odds: list[float]) -> None:
    told = np.array(log_odds, np.float32)
    bias = calibration._bias(told)
    if len(told) < calibration._FEW:
        assert bias == 0
        return
    most = float(np.quantile(told, 0.9))
    assert -calibration._LARGEST_BIAS <= bias <= 0
    quarter = np.log(1 / 3)
    if most <= quarter:
        assert bias == 0
    elif bias > -calibration._LARGEST_BIAS:
        assert most + bias == pytest.approx(quarter, abs=1e-4)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_questions_are_many_and_all_different(language: str) -> None:
    lines = calibration.questions(language)
    assert len(lines) == len(set(lines)) >= 40
    assert all(line.endswith("?") and line == line.strip() for line in lines)


# Measuring


@pytest.mark.parametrize("mode", Mode)
def test_without_a_calibration_nothing_changes(large: Generation, mode: Mode) -> None:
    queries = [Query(question, mode=mode) for question in _QUESTIONS]
    plain = Searcher(large, StandIn()).search_many(queries)
    same = Searcher(large, StandIn(), None, Calibration()).search_many(queries)
    assert [(r.confidence, r.hits) for r in plain] == [(r.confidence, r.hits) for r in same]


@given(arrays(np.float32, 20, elements=st.floats(-1, 1, width=32)))
def test_the_map_that_changes_nothing_changes_not_a_bit(cosines: Float32) -> None:
    found = Affine()(cosines)
    assert found.dtype == np.float32
    assert np.array_equal(found, cosines)


def test_a_model_of_another_scale_says_the_same_once_calibrated(
    large: Generation, squeezed: Generation
) -> None:
    """Both are brought to the reference; a token's 8 bits leave a little between them."""
    plain, other = measure(large, StandIn()), measure(squeezed, Squeezed())
    assert other.means["sentence"] == pytest.approx((plain.means["sentence"] + 3) / 4, abs=1e-3)
    assert other.calibration.sentence.scale > 3
    assert other.calibration.interaction.scale > 3
    ours = _signals(large, StandIn(), _always(plain))
    theirs = _signals(squeezed, Squeezed(), _always(other))
    raw = _signals(squeezed, Squeezed(), Calibration())
    for one, same, far in zip(ours, theirs, raw, strict=True):
        for name in ("dense", "sentence"):
            np.testing.assert_allclose(same[name], one[name], atol=2e-3)
        np.testing.assert_allclose(same["interaction"], one["interaction"], atol=0.06)
        assert np.abs(far["interaction"] - one["interaction"]).mean() > 0.3


def _always(measured: Measured) -> Calibration:
    """Map to the reference even what is about there already."""

    def line(name: str) -> Affine:
        scale = (1 - REFERENCE[name]) / (1 - measured.means[name])
        return Affine(scale, 1 - scale)

    return Calibration(line("sentence"), line("interaction"))


def test_the_order_of_the_results_is_that_of_the_model_whose_scale_it_is(
    large: Generation, squeezed: Generation
) -> None:
    made = measure(squeezed, Squeezed()).calibration
    query = Query("Which minister spoke of the harvest?", k=20)
    searchers = (
        Searcher(large, StandIn(), None, measure(large, StandIn()).calibration),
        Searcher(squeezed, Squeezed(), None, made),
        Searcher(squeezed, Squeezed()),
    )
    ours, theirs, raw = (searcher.search(query) for searcher in searchers)
    scores = {hit.passage.id: hit.score for hit in ours.hits}
    there = [scores[hit.passage.id] for hit in theirs.hits[:5]]
    # Tokens whose cosines are squeezed lose more in 8 bits: what is as good may change places.
    assert there == pytest.approx(list(scores.values())[:5], abs=0.001)
    assert theirs.confidence == pytest.approx(ours.confidence, abs=0.1)
    assert raw.confidence > theirs.confidence


def test_calibrating_takes_unrelated_questions_down(squeezed: Generation) -> None:
    found = measure(squeezed, Squeezed())
    assert found.taken_before > found.taken_after
    assert found.before > found.after
    assert found.after <= 0.2501


def test_the_same_generation_always_gives_the_same(large: Generation) -> None:
    one, other = (replace(measure(large, StandIn()), created="") for _ in range(2))
    assert one == other
    assert (one.questions, one.languages) == (len(calibration.questions("en")), ("en",))
    assert one.passages == min(len(large.passages), calibration._SAMPLE)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (DOCUMENTS["ru/visit.txt"], "ru"),
        (DOCUMENTS["envoy.txt"], "en"),
        ("Der Minister unterschrieb einen Vertrag über Reis und über die Brücke am Fluss.", "en"),
    ],
)
def test_questions_are_in_the_language_of_the_index(tmp_path: Path, text: str, language: str) -> None:
    settings = Settings(docs=write(tmp_path / "docs", {"a.txt": text}), index=tmp_path / "index")
    build(settings, StandIn())
    found = generation.load(generation.current(settings.index))
    assert measure(found, StandIn()).languages == (language,)


def test_a_model_without_token_vectors_has_its_sentences_brought_to_the_tokens_scale(
    tmp_path: Path,
) -> None:
    settings = Settings(docs=write_many(tmp_path / "docs"), index=tmp_path / "index")
    encoder = StandIn(speaks_in_tokens=False)
    build(settings, encoder)
    found = generation.load(generation.current(settings.index))
    made = measure(found, encoder)
    (one, *_) = _signals(found, encoder, made.calibration)
    (raw, *_) = _signals(found, encoder, Calibration())
    np.testing.assert_allclose(one["interaction"], made.calibration.interaction(raw["sentence"]), atol=1e-6)


class Illegible(StandIn):
    """A model that breaks every word into its letters."""

    def count_tokens(self, texts) -> list[int]:
        return [len(text) for text in texts]


def test_what_the_model_cannot_read_says_nothing_of_its_cosines(large: Generation) -> None:
    found = measure(large, Illegible())
    assert found.means == {}
    made = found.calibration
    assert (made.sentence, made.interaction, made.bias) == (Affine(), Affine(), 0)
    assert "the model cannot read the questions" in calibration.describe(found)


@given(st.floats(0, 1), st.floats(-3, 0), st.floats(-3, 0))
def test_each_bias_counts_for_the_questions_that_it_is_of(
    legibility: float, bias: float, illegible: float
) -> None:
    signals = {name: np.array([0.5, 0.3], np.float32) for name in (*ranking.DENSE, *ranking.LEXICAL)}
    made = Calibration(bias=bias, illegible_bias=illegible)
    moved = ranking.log_odds(signals, legibility, made) - ranking.log_odds(signals, legibility)
    assert moved == pytest.approx(legibility * bias + (1 - legibility) * illegible, abs=1e-9)
    told = ranking.confidence(signals, legibility, made)
    assert np.log(told / (1 - told)) == pytest.approx(ranking.log_odds(signals, legibility, made), abs=1e-6)


# The file


@pytest.fixture
def measured(built: Path) -> Measured:
    return measure(generation.load(built), StandIn())


def _read(settings: Settings, built: Path) -> Measured | None:
    manifest = generation.Manifest.read(built)
    return calibration.fitting(calibration_file.read(settings.index), settings.index, manifest)


def test_what_was_written_is_read(settings: Settings, built: Path, measured: Measured) -> None:
    assert _read(settings, built) is None
    path = calibration.write(settings.index, measured)
    assert path == settings.index / "calibration.json"
    read = _read(settings, built)
    assert read == replace(measured, languages=list(measured.languages))  # type: ignore[arg-type]
    assert calibration_file.remove(settings.index)
    assert _read(settings, built) is None
    assert not calibration_file.remove(settings.index)
    assert not list(settings.index.glob("*calibration*"))


@pytest.mark.parametrize("other", [{"encoder": "of another model"}, {"version": -1}])
def test_a_calibration_of_another_model_or_version_is_not_used(
    settings: Settings, built: Path, measured: Measured, other: dict[str, object]
) -> None:
    calibration.write(settings.index, replace(measured, **other))  # type: ignore[arg-type]
    assert _read(settings, built) is None


_DAMAGE: list[Callable[[bytes], bytes]] = [
    lambda content: b"",
    lambda content: content[: len(content) // 2],
    lambda content: content.replace(b'"scale": 1.0', b'"scale": 2.0', 1),
    lambda content: content.replace(b'"bias"', b'"bios"', 1),
    lambda content: b"[1, 2]",
    lambda content: b"null",
    lambda content: b"\xff\xfe",
]


@pytest.mark.parametrize("damage", _DAMAGE)
def test_a_damaged_calibration_is_an_error_and_never_used(
    settings: Settings, built: Path, measured: Measured, damage: Callable[[bytes], bytes]
) -> None:
    path = calibration.write(settings.index, replace(measured, calibration=Calibration()))
    path.write_bytes(damage(path.read_bytes()))
    live = LiveSearcher(settings, lambda _: StandIn())
    with pytest.raises(CorruptIndexError, match=r"calibration\.json .*`qa calibrate`.*--reset"):
        live.current()
    calibration_file.remove(settings.index)
    assert live.current().search(Query("rice")).hits


def test_a_folder_in_the_files_place_is_an_error(settings: Settings, built: Path) -> None:
    (settings.index / "calibration.json").mkdir()
    with pytest.raises(CorruptIndexError, match=r"calibration\.json cannot be read"):
        calibration_file.read(settings.index)


def test_a_content_that_does_not_fit_is_an_error_though_it_is_sealed(settings: Settings, built: Path) -> None:
    content = {"version": calibration.VERSION, "encoder": StandIn().fingerprint}
    sealed = content | {"sha256": seal(content)}
    with pytest.raises(CorruptIndexError, match="cannot be read"):
        calibration.fitting(json.dumps(sealed).encode(), settings.index, generation.Manifest.read(built))


# Who uses it


def test_a_running_service_goes_over_to_a_calibration_and_back(
    settings: Settings, built: Path, measured: Measured, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Path] = []
    load = generation.load
    monkeypatch.setattr(generation, "load", lambda folder: opened.append(folder) or load(folder))
    live = LiveSearcher(settings, lambda _: StandIn())
    query = Query("How many students from Cambodia study in Moscow?")
    before = live.current().search(query)
    assert live.current() is live.current()
    calibration.write(settings.index, replace(measured, calibration=_STRETCHED))
    during = live.current().search(query)
    assert live.current() is live.current()
    direct = Searcher(load(built), StandIn(), None, _STRETCHED).search(query)
    assert (during.confidence, during.hits) == (direct.confidence, direct.hits)
    assert during.confidence != before.confidence
    calibration_file.remove(settings.index)
    after = live.current().search(query)
    assert (after.confidence, after.hits) == (before.confidence, before.hits)
    assert opened == [built]  # the generation is still the same


def test_the_service_ignores_a_calibration_of_another_model(
    settings: Settings, built: Path, measured: Measured
) -> None:
    query = Query("rice")
    plain = LiveSearcher(settings, lambda _: StandIn()).current().search(query)
    calibration.write(settings.index, replace(measured, encoder="another", calibration=_STRETCHED))
    same = LiveSearcher(settings, lambda _: StandIn()).current().search(query)
    assert (same.confidence, same.hits) == (plain.confidence, plain.hits)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Run the command in the folder of ``docs`` and ``index``, without a real model."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("qa.retrieval.searcher.open_encoder", lambda *_: StandIn())
    return lambda *words: CliRunner().invoke(main, words)


def test_the_command_measures_keeps_tells_and_removes(run, settings: Settings, built: Path) -> None:
    said = run("calibrate")
    assert said.exit_code == 0
    for word in ("120 questions", "sentences", "tokens", "log odds", "confidence", "index/calibration.json"):
        assert word in said.stdout
    kept = json.loads((settings.index / "calibration.json").read_text("utf-8"))
    status = run("status").stdout
    assert f"calibrated  {kept['created']}, on generation {built.name}\n" in status
    assert json.loads(run("status", "--json").stdout)["calibration"]["encoder"] == StandIn().fingerprint
    again = json.loads(run("calibrate", "--json").stdout)
    assert again | {"created": ""} == {name: kept[name] for name in again} | {"created": ""}
    assert run("calibrate", "--reset").stdout == "the calibration is removed\n"
    assert run("calibrate", "--reset").stdout == "there was no calibration\n"
    assert json.loads(run("calibrate", "--reset", "--json").stdout) == {"removed": False}
    assert "calibrated" not in run("status").stdout
    assert json.loads(run("status", "--json").stdout)["calibration"] is None


def test_the_command_mends_a_damaged_calibration(run, settings: Settings, built: Path) -> None:
    for words in (("calibrate",), ("calibrate", "--reset")):
        (settings.index / "calibration.json").write_text("{", "utf-8")
        refused = run("status")
        assert (refused.exit_code, refused.stdout) == (1, "")
        assert "`qa calibrate --reset`" in refused.stderr
        assert run(*words).exit_code == 0
        assert run("status").exit_code == 0


def test_the_command_needs_an_index_and_its_model(run, settings: Settings, built: Path, monkeypatch) -> None:
    assert run("calibrate", "--index", "nowhere").exit_code == 1
    monkeypatch.setattr("qa.retrieval.searcher.open_encoder", lambda *_: StandIn(fingerprint="changed"))
    refused = run("calibrate")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "has changed since the index was built" in refused.stderr
    assert not (settings.index / "calibration.json").exists()
