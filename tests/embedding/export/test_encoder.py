"""An exported encoder: its vectors are the model's."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from models import PASSAGE, cosines, exported, tiny, unit

from embedding.export.exports import IN_8_BITS, SENTENCES, TEXTS, all_vectors, passages
from qa.embedding.export import conversion
from qa.embedding.export.encoder import (
    INFO,
    MODEL,
    REFERENCE,
    ExportedEncoder,
    ExportInfo,
    _batches,
    agreement,
)
from qa.embedding.export.runtimes import onnx_runtime
from qa.embedding.loading import load_plain, open_encoder
from qa.embedding.models import DEFAULT_MODEL
from qa.embedding.sentence_transformer import SentenceTransformerEncoder
from qa.errors import ExportRefusedError, ModelError
from qa.types import Float32


@pytest.fixture(scope="module")
def plain() -> SentenceTransformerEncoder:
    return load_plain(DEFAULT_MODEL)


@pytest.fixture
def model(tmp_path: Path) -> str:
    return str(tiny(tmp_path, "mean"))


def test_all_vectors_agree_with_sentence_transformers(default, plain) -> None:
    expected, actual = all_vectors(plain, passages()), all_vectors(default, passages())
    exact = all_vectors(default.reference, passages())
    for name, (mean, least) in IN_8_BITS.items():
        agreeing = cosines(expected[name], actual[name])
        assert agreeing.mean() > mean
        assert agreeing.min() > least
        np.testing.assert_allclose(unit(exact[name]), unit(expected[name]), atol=1e-5)


def test_a_batch_gives_what_each_gives_alone(default) -> None:
    together = all_vectors(default, passages())
    alone = [all_vectors(default, [passage]) for passage in passages()]
    for name, (mean, least) in IN_8_BITS.items():  # in 8 bits a batch shares a scale
        found = cosines(together[name], np.concatenate([one[name] for one in alone]))
        assert found.mean() > mean
        assert found.min() > least


def test_it_counts_tokens_as_the_model_does(default, plain) -> None:
    for name in ("dimension", "max_seq_length", "max_tokens", "pools_late", "unknown_token"):
        assert getattr(default, name) == getattr(plain, name)
    assert default.count_tokens(TEXTS) == plain.count_tokens(TEXTS)
    for one, other in zip(default.encode_queries(TEXTS), plain.encode_queries(TEXTS), strict=True):
        assert (one.spans, one.token_count) == (other.spans, other.token_count)
    one, other = default.encode_passages([PASSAGE])[0], plain.encode_passages([PASSAGE])[0]
    assert one.token_counts == other.token_counts


def test_a_saved_encoder_gives_the_same_vectors(tmp_path: Path, default) -> None:
    default.save(tmp_path / "encoder")
    opened = open_encoder("its name", tmp_path / "encoder")
    assert (opened.name, opened.fingerprint) == ("its name", default.fingerprint)
    for found, expected in zip(opened.encode_queries(TEXTS), default.encode_queries(TEXTS), strict=True):
        np.testing.assert_array_equal(found.vector, expected.vector)
        np.testing.assert_array_equal(found.tokens, expected.tokens)
    opened.check(SENTENCES)  # there is nothing left to compare with


def test_one_that_is_saved_for_documents_too_gives_their_vectors(tmp_path: Path, default) -> None:
    default.save(tmp_path / "encoder", documents=True)
    opened = open_encoder("its name", tmp_path / "encoder", threads=1)
    expected, found = all_vectors(default, passages()), all_vectors(opened, passages())
    for name, vectors in expected.items():
        np.testing.assert_array_equal(found[name], vectors)


def test_a_damaged_export_is_an_error(tmp_path: Path, model: str) -> None:
    exported(model, tmp_path / "cache", "fp32").save(tmp_path / "saved")
    (tmp_path / "saved" / MODEL).write_bytes(b"no model")
    with pytest.raises(ModelError, match=r"model\.onnx cannot be run"):
        open_encoder(model, tmp_path / "saved").encode_queries(["rice"])
    (tmp_path / "saved" / INFO).unlink()
    with pytest.raises(ModelError, match=r"encoder\.json cannot be read"):
        open_encoder(model, tmp_path / "saved")


def test_a_processor_that_gives_other_vectors_is_refused(tmp_path: Path, model: str) -> None:
    exported(model, tmp_path / "cache", "fp32").save(tmp_path / "saved")
    info = json.loads((tmp_path / "saved" / INFO).read_text("utf-8"))
    for probe in (np.roll(info["probe"], 1).tolist(), [float("nan")] * 16):
        (tmp_path / "saved" / INFO).write_text(json.dumps(info | {"probe": probe}), "utf-8")
        with pytest.raises(ModelError, match=r"gives other vectors here .* run `qa index` here"):
            open_encoder(model, tmp_path / "saved").encode_queries(["rice"])


def test_documents_are_read_in_bf16_where_the_processor_has_tiles_for_it(tmp_path: Path, default) -> None:
    """On another processor, too, the same run time reads them, and no less exactly."""
    pytest.importorskip("openvino")
    made_so = conversion.fastest_precision() == "mixed"
    mixed = default if made_so else exported(DEFAULT_MODEL, tmp_path / "cache", "mixed")
    exact, found = all_vectors(mixed.reference, passages()), all_vectors(mixed, passages())
    for name in ("passages", "sentences", "tokens"):
        assert cosines(exact[name], found[name]).min() > 0.999
    if conversion.fastest_precision() == "fp32":
        return  # it adds 8-bit products in 16 bits, which are too few for some questions
    for name in ("queries", "query tokens"):
        mean, least = IN_8_BITS[name]
        assert mean < cosines(exact[name], found[name]).mean() < 0.9995
        assert cosines(exact[name], found[name]).min() > least


def test_a_model_that_fails_on_documents_alone_is_refused(
    tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qa.embedding.export.encoder._MIN_COSINE", -1)  # what was drawn may be lost in 8 bits
    monkeypatch.setattr("qa.embedding.export.encoder._MIN_SHARED_NEIGHBOURS", 0)
    mixed = exported(model, tmp_path / "cache", "mixed")
    monkeypatch.undo()
    monkeypatch.setattr(mixed, "_model", onnx_runtime(mixed.reference._folder / REFERENCE))
    mixed.check(SENTENCES)
    monkeypatch.setattr(
        mixed, "_document_model", (lambda ids, mask: np.ones((*ids.shape, 16), np.float32), 1024)
    )
    with pytest.raises(ExportRefusedError, match="each as a document"):
        mixed.check(SENTENCES)


def _random_vectors(shape: tuple[int, int], seed: int) -> Float32:
    return unit(np.random.default_rng(seed).standard_normal(shape)).astype(np.float32)


@given(st.integers(1, 40), st.integers(2, 20), st.integers(0, 9))
def test_agreement_of_the_same_is_whole_and_of_two_the_same_either_way(
    count: int, dimension: int, seed: int
) -> None:
    one, other = _random_vectors((count, dimension), seed), _random_vectors((count, dimension), seed + 100)
    assert agreement(one, one) == pytest.approx((1, 1), abs=1e-5)
    assert agreement(one, other) == agreement(other, one)
    cosine, shared = agreement(one, other)
    assert -1 <= cosine <= 1
    assert 0 <= shared <= 1


def test_agreement_counts_cosines_and_neighbours() -> None:
    angles = np.arange(40) / 40
    one = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    turned = np.stack([np.cos(angles + 1), np.sin(angles + 1)], axis=1).astype(np.float32)
    assert agreement(one, turned) == pytest.approx((np.cos(1), 1), abs=1e-5)
    assert agreement(one, one[np.random.default_rng(0).permutation(40)])[1] < 0.5


def test_a_question_has_the_same_vectors_alone_and_among_others(default: ExportedEncoder) -> None:
    questions = [
        "Who sold the rice?",
        "In which year was the port of the capital built, and by whom?",
        "Why?",
    ]
    together = default.encode_queries(questions)
    for question, found in zip(questions, together, strict=True):
        (alone,) = default.encode_queries([question])
        np.testing.assert_array_equal(found.vector, alone.vector)
        np.testing.assert_array_equal(found.tokens, alone.tokens)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=40), st.integers(0, 200))
def test_batches_hold_each_text_once_and_keep_their_limit(lengths: list[int], max_tokens: int) -> None:
    batches = list(_batches(lengths, max_tokens))
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    for batch in batches:
        longest = max(lengths[i] for i in batch)
        assert len(batch) == 1 or len(batch) * longest <= max_tokens


def test_the_description_of_an_export_survives_writing_and_damage_is_an_error(tmp_path: Path) -> None:
    info = ExportInfo(
        "m", "f", "int8", "mean", 3, 64, None, {"query": "q: ", "document": ""}, [0.5], {"a": "b"}
    )
    info.write(tmp_path)
    assert ExportInfo.read(tmp_path) == info
    for damage in ("{", "[]", '{"name": "m"}', "null"):
        (tmp_path / INFO).write_text(damage)
        with pytest.raises(ModelError, match=r"encoder\.json cannot be read"):
            ExportInfo.read(tmp_path)


def test_a_saved_encoder_takes_no_space_of_its_own(tmp_path: Path, model: str) -> None:
    encoder = exported(model, tmp_path / "cache", "fp32")
    encoder.save(tmp_path / "saved")
    weights = [path for path in (tmp_path / "saved").iterdir() if path.stat().st_nlink > 1]
    assert {path.name for path in weights} == {"model.onnx", "model.onnx.data", "tokenizer.json"}
    assert len({path.stat().st_mode for path in (tmp_path / "saved").iterdir()}) == 1
    expected = encoder.encode_queries(["rice"])[0].vector
    for path in (tmp_path / "cache" / "encoders").glob("*/*"):
        path.unlink()
    found = open_encoder(model, tmp_path / "saved").encode_queries(["rice"])[0].vector
    np.testing.assert_array_equal(found, expected)


def test_a_saved_encoder_is_copied_where_it_cannot_be_linked(
    tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EXDEV, "another file system")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    exported(model, tmp_path / "cache", "fp32").save(tmp_path / "saved")
    assert all(path.stat().st_nlink == 1 for path in (tmp_path / "saved").iterdir())
    assert open_encoder(model, tmp_path / "saved").encode_queries(["rice"])
