"""Exports of models: made once, checked, and whatever goes wrong, the model runs as it is."""

from __future__ import annotations

import re
import shutil
import sys
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from click.testing import CliRunner
from corpus import write
from models import WORDS, exported, tiny, unit
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Dense, StaticEmbedding
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import (
    AlbertConfig,
    AlbertModel,
    DistilBertConfig,
    DistilBertModel,
    MPNetConfig,
    MPNetModel,
    XLMRobertaConfig,
    XLMRobertaModel,
)

from embedding.export.exports import seal
from qa.cli import commands
from qa.embedding.export import conversion, export_cache
from qa.embedding.export.encoder import INFO, MODEL, REFERENCE, TOKENIZER, ExportedEncoder
from qa.embedding.export.export_cache import REFUSED, expected_work
from qa.embedding.export.onnx_export import write_onnx
from qa.embedding.export.runtimes import INPUTS
from qa.embedding.loading import load_encoder, load_plain
from qa.embedding.sentence_transformer import SentenceTransformerEncoder
from qa.errors import ExportRefusedError, ModelError
from qa.index import generation


@pytest.fixture
def model(tmp_path: Path) -> str:
    return str(tiny(tmp_path, "mean"))


@pytest.fixture(autouse=True)
def _no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversion, "has_gpu", lambda: False)


def _in_full_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversion, "fastest_precision", lambda: "fp32")


@pytest.mark.parametrize(
    "kind",
    [
        (DistilBertConfig, DistilBertModel),
        (MPNetConfig, MPNetModel),
        (XLMRobertaConfig, XLMRobertaModel),
        (AlbertConfig, AlbertModel),
    ],
    ids=lambda kind: kind[1].__name__,
)
def test_other_kinds_of_transformers_can_be_exported(
    tmp_path: Path, kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = {"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 32} if kind[0] is DistilBertConfig else {}
    sizes |= {"embedding_size": 16} if kind[0] is AlbertConfig else {}
    name = str(tiny(tmp_path, "mean", kind=kind, **sizes))
    found = exported(name, tmp_path / "cache", "fp32")
    texts = ["rice", "rice was sold in the port", "rice " * 100]
    expected = SentenceTransformer(name, device="cpu").encode(texts)
    np.testing.assert_allclose(found.vectors(texts), unit(expected), atol=1e-5)


def test_few_of_the_word_embeddings_go_through_the_exporter_and_the_model_keeps_all(
    tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, export = [], torch.onnx.export

    def watch(exporting: Any, *args: Any, **options: Any) -> None:
        rows.append(len(exporting.model.get_input_embeddings().weight))
        export(exporting, *args, **options)

    monkeypatch.setattr(torch.onnx, "export", watch)
    plain = load_plain(model)
    before = plain.vectors(["rice was sold"])
    path = tmp_path / "exported" / "model.onnx"
    path.parent.mkdir()
    write_onnx(plain.model[0].auto_model, path, INPUTS, lambda output: output.last_hidden_state)
    assert rows[0] < len(WORDS) // 4
    np.testing.assert_array_equal(plain.vectors(["rice was sold"]), before)


def test_the_model_itself_is_forgotten_while_its_export_is_rounded_and_compared(
    tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qa.embedding.export.encoder._MIN_COSINE", -1)  # what was drawn may be lost in 8 bits
    monkeypatch.setattr("qa.embedding.export.encoder._MIN_SHARED_NEIGHBOURS", 0)
    monkeypatch.setattr(conversion, "fastest_precision", lambda: "int8")
    plain, quantize, alive = load_plain(model), conversion.quantize, []
    transformer = weakref.ref(plain.model[0].auto_model)

    def watch(*args: Any) -> None:
        alive.append(transformer() is not None)
        quantize(*args)

    monkeypatch.setattr(conversion, "quantize", watch)
    before = plain.vectors(["rice was sold"])
    conversion.load_export(plain, tmp_path / "cache")
    assert alive == [False]
    np.testing.assert_array_equal(plain.vectors(["rice was sold"]), before)  # it is loaded again


def test_a_tokenizer_is_not_loaded_again_once_its_export_is_made(
    tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _in_full_precision(monkeypatch)
    plain = load_plain(model)
    first, second = (conversion.load_export(plain, tmp_path / "cache") for _ in range(2))
    assert first.tokenizer is plain.tokenizer
    assert second.tokenizer is not plain.tokenizer
    assert first.tokenizer.to_str() == second.tokenizer.to_str()


def test_each_step_of_an_export_is_told_and_how_long_all_took(
    tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _in_full_precision(monkeypatch)
    load_encoder(model, tmp_path / "cache")
    name = f"preparing the model {model!r} for this processor"
    expected = [
        rf"{name} \(once\): loading it",
        rf"{name}: reading a sample of text with it",
        rf"{name}: writing it as ONNX, about (a|\d+) seconds? left",
        rf"{name}: comparing the result with it, about (a|\d+) seconds? left",
        rf"{name}: done in (a|\d+) seconds?",
    ]
    assert len(caplog.messages) == len(expected)
    for pattern, message in zip(expected, caplog.messages, strict=True):
        assert re.fullmatch(pattern, message), message


def test_the_work_of_an_export_depends_on_its_layers_more_than_on_its_word_embeddings(model: str) -> None:
    plain = load_plain(model)
    assert plain.table_size == 4 * 16 * len(WORDS) < plain.size
    work = sum(expected_work(100_000_000, 50_000_000, rounded=True).values())
    longer_table = sum(expected_work(200_000_000, 150_000_000, rounded=True).values())
    more_layers = sum(expected_work(200_000_000, 50_000_000, rounded=True).values())
    assert work < longer_table < (work + more_layers) / 2
    for config in Path(model).rglob("config.json"):
        config.write_text('{"hidden_size": null}')
    assert plain.table_size == 0


def test_a_name_is_the_one_that_was_given(tmp_path: Path, model: str) -> None:
    shutil.copytree(model, tmp_path / "copy")
    first = exported(model, tmp_path / "cache", "fp32")
    second = exported(str(tmp_path / "copy"), tmp_path / "cache", "fp32")
    assert first.fingerprint == second.fingerprint
    assert (first.name, second.name) == (model, str(tmp_path / "copy"))


def test_the_fingerprint_changes_with_the_weights_and_the_precision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qa.embedding.export.encoder._MIN_COSINE", -1)  # what was drawn may be lost in 8 bits
    monkeypatch.setattr("qa.embedding.export.encoder._MIN_SHARED_NEIGHBOURS", 0)
    names = [str(tiny(tmp_path / str(seed), "mean", seed=seed)) for seed in (1, 2)]
    found = [
        exported(name, tmp_path / "cache", precision).fingerprint
        for name in names
        for precision in ("fp32", "int8")
    ]
    assert len({*found, *(load_plain(name).fingerprint for name in names)}) == 6
    assert exported(names[0], tmp_path / "cache", "fp32").fingerprint == found[0]


def _warning_of_fallback(name: str, cache: Path, caplog: pytest.LogCaptureFixture) -> str:
    """Check that a model runs as it is, and return the warning."""
    caplog.clear()
    encoder = load_encoder(name, cache)
    assert isinstance(encoder, SentenceTransformerEncoder)
    assert encoder.fingerprint == load_plain(name).fingerprint
    return caplog.messages[-1]


def _static(folder: Path) -> str:
    tokenizer = Tokenizer(WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
    SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_dim=8)]).save(str(folder / "model"))
    return str(folder / "model")


def _with_a_dense_module(folder: Path) -> str:
    return str(tiny(folder, "mean", Dense(16, 8)))


def _with_two_poolings(folder: Path) -> str:
    return str(tiny(folder, ("mean", "max")))


def _with_the_greatest_pooled(folder: Path) -> str:
    return str(tiny(folder, "max"))


@pytest.mark.parametrize(
    "make", [_static, _with_a_dense_module, _with_two_poolings, _with_the_greatest_pooled]
)
def test_a_model_of_another_kind_runs_as_it_is(
    tmp_path: Path, make: Callable[[Path], str], caplog: pytest.LogCaptureFixture
) -> None:
    name, cache = make(tmp_path), tmp_path / "cache"
    assert "its kind cannot be exported" in _warning_of_fallback(name, cache, caplog)
    (folder,) = (cache / "encoders").iterdir()
    assert f"(remove {folder} to try again)" in _warning_of_fallback(name, cache, caplog)
    assert load_encoder(name, cache).encode_queries(["rice"])[0].vector.shape == (load_plain(name).dimension,)


def test_a_model_that_pools_without_its_prompt_is_not_taken_for_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _in_full_precision(monkeypatch)
    name = str(tiny(tmp_path, "mean", prompts={"query": "query: "}, include_prompt=False))
    assert "have a cosine of 0." in _warning_of_fallback(name, tmp_path / "cache", caplog)


def _tampered(model: str, cache: Path) -> ExportedEncoder:
    """Make an export whose reference has other weights than it: as if 8 bits had not been enough."""
    exported(model, cache, "fp32")
    (folder,) = (cache / "encoders").iterdir()
    graph = onnx.load(folder / MODEL)
    onnx.save(graph, folder / REFERENCE)
    for tensor in graph.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype == np.float32 and values.ndim == 2:
            other = np.random.default_rng(0).standard_normal(values.shape).astype(np.float32)
            tensor.CopyFrom(onnx.numpy_helper.from_array(other, tensor.name))
    onnx.save(graph, folder / MODEL)
    seal(folder, model)
    return ExportedEncoder(model, folder)


def test_an_export_that_does_not_keep_the_vectors_is_refused_and_remembered(
    tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _in_full_precision(monkeypatch)
    cache = tmp_path / "cache"
    encoder = _tampered(model, cache)
    assert isinstance(load_encoder(model, cache), ExportedEncoder)
    sentences = [" ".join(WORDS[5 + (i + j) % 6] for j in range(1 + i % 5)) for i in range(30)]
    with pytest.raises(ExportRefusedError, match=r"runs as it is.*: on 30 sentences, .* of their nearest"):
        encoder.check(sentences)
    (folder,) = (cache / "encoders").iterdir()
    warning = _warning_of_fallback(model, cache, caplog)
    assert "on 30 sentences" in warning
    assert f"(remove {folder} to try again)" in warning
    shutil.rmtree(folder)
    assert isinstance(load_encoder(model, cache), ExportedEncoder)


def test_an_index_whose_documents_refuse_the_export_is_built_with_the_model(
    tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _in_full_precision(monkeypatch)
    write(tmp_path / "docs", {"a.txt": "Rice was sold. Sold in the port.\n\nThe port was sold in rice."})
    _tampered(model, tmp_path / "cache")
    monkeypatch.setenv("QA_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    command = ["index", "docs", "--model", model]
    for reason in ("there was no readable index", "nothing has changed"):
        result = CliRunner().invoke(commands.main, command)
        assert result.exit_code == 0, result.output
        assert reason in result.stdout
    live = generation.load(generation.current(tmp_path / "index"))
    assert live.manifest.made_with["encoder"] == load_plain(model).fingerprint
    assert not (live.folder / generation.ENCODER).exists()


def test_a_folder_that_cannot_keep_the_refusal_does_not_stop_the_build(
    tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _in_full_precision(monkeypatch)
    encoder = _tampered(model, tmp_path / "cache")
    (folder,) = (tmp_path / "cache" / "encoders").iterdir()
    (folder / REFUSED).mkdir()  # as good as a folder without the right to write
    with pytest.raises(ExportRefusedError):
        encoder.check(["rice", "port", "sold in the port", "the rice was sold"])


def _cut(folder: Path) -> None:
    (folder / MODEL).write_bytes((folder / MODEL).read_bytes()[:-10])


def _lose(folder: Path) -> None:
    (folder / TOKENIZER).unlink()


def _garble(folder: Path) -> None:
    (folder / INFO).write_text('{"name": "x"}')


def _empty(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def _leave_a_draft(folder: Path) -> None:
    folder.rename(folder.with_name(f".{folder.name}"))
    (folder.with_name(f".{folder.name}") / MODEL).write_bytes(b"half")


@pytest.mark.parametrize("damage", [_cut, _lose, _garble, _empty, _leave_a_draft])
def test_a_damaged_export_is_made_anew(tmp_path: Path, model: str, damage: Callable[[Path], None]) -> None:
    first = exported(model, tmp_path / "cache", "fp32").vectors(["rice"])
    (folder,) = (tmp_path / "cache" / "encoders").iterdir()
    damage(folder)
    found = exported(model, tmp_path / "cache", "fp32")
    np.testing.assert_array_equal(found.vectors(["rice"]), first)
    assert list((tmp_path / "cache" / "encoders").iterdir()) == [folder]


def test_a_whole_export_is_not_made_anew(
    tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _in_full_precision(monkeypatch)
    load_encoder(model, tmp_path / "cache")
    assert "preparing the model" in caplog.text
    caplog.clear()
    monkeypatch.setattr(export_cache, "_make", None)
    load_encoder(model, tmp_path / "cache")
    assert not caplog.messages


def test_without_a_place_for_the_export_the_model_runs_as_it_is(
    tmp_path: Path, model: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "cache").write_text("not a folder")
    warning = _warning_of_fallback(model, tmp_path / "cache", caplog)
    assert f"its export cannot be made in {tmp_path / 'cache' / 'encoders'} (" in warning


def test_a_full_disk_is_not_remembered(
    tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _in_full_precision(monkeypatch)
    with pytest.MonkeyPatch.context() as for_now:
        for_now.setattr(conversion, "_write_onnx", lambda *_: _raise(OSError(28, "No space left on device")))
        assert "No space left on device" in _warning_of_fallback(model, tmp_path / "cache", caplog)
    assert not list((tmp_path / "cache" / "encoders").iterdir())
    assert isinstance(load_encoder(model, tmp_path / "cache"), ExportedEncoder)


def test_without_onnx_the_model_runs_as_it_is(
    tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert re.search("cannot be exported .*onnx", _warning_of_fallback(model, tmp_path / "cache", caplog))


def test_whatever_the_exporter_raises_the_model_runs_as_it_is(
    tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _in_full_precision(monkeypatch)
    for i, error in enumerate((KeyError("operator"), onnx.checker.ValidationError("bad"), ModelError("no"))):
        with pytest.MonkeyPatch.context() as for_now:
            for_now.setattr(conversion, "_write_onnx", lambda *_, error=error: _raise(error))
            assert "it cannot be exported (" in _warning_of_fallback(model, tmp_path / str(i), caplog)


def _raise(error: Exception) -> None:
    raise error


def test_several_that_make_the_same_export_at_once_do_it_once(
    tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _in_full_precision(monkeypatch)
    with ThreadPoolExecutor(3) as threads:
        made = list(
            threads.map(lambda _: load_encoder(model, tmp_path / "cache").vectors(["rice"]), range(3))
        )
    np.testing.assert_array_equal(made[0], made[1])
    np.testing.assert_array_equal(made[0], made[2])
    assert len([message for message in caplog.messages if "done in" in message]) == 1


def test_the_precision_is_what_the_processor_is_made_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for flags, installed, expected in (
        ("fpu avx2", True, "fp32"),
        ("fpu avx512_vnni", True, "int8"),
        ("fpu avx512_vnni amx_int8 amx_bf16", True, "mixed"),
        ("fpu avx512_vnni amx_int8 amx_bf16", False, "int8"),
    ):
        monkeypatch.setattr(Path, "read_text", lambda *_, flags=flags: f"flags : {flags}\n")
        monkeypatch.setattr(conversion, "has_openvino", lambda installed=installed: installed)
        assert conversion.fastest_precision() == expected
