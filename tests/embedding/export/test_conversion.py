"""Exports of models: their vectors are the model's, and whatever goes wrong, the model runs as it is."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
from click.testing import CliRunner
from corpus import DOCUMENTS, write
from hypothesis import given
from hypothesis import strategies as st
from models import PASSAGE, WORDS, cosines, exported, tiny, unit
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

from qa.cli import commands
from qa.config import Settings
from qa.embedding import (
    DEFAULT_MODEL,
    ExportedEncoder,
    SentenceTransformerEncoder,
    load_encoder,
    load_plain,
    open_encoder,
)
from qa.embedding.export import conversion, quantization
from qa.embedding.export.encoder import FACTS, MODEL, REFERENCE, REFUSED, TOKENIZER, agreement
from qa.embedding.export.runtimes import onnx_runtime, openvino_in_bf16
from qa.embedding.models import digests
from qa.errors import ExportRefusedError, ModelError
from qa.index import generation
from qa.types import Float32, PassageInput, Span

TEXTS = [text for name, text in DOCUMENTS.items() if name.endswith((".txt", ".md"))]
SENTENCES = [line for text in TEXTS for line in text.replace(". ", ".\n").splitlines() if len(line) > 20]


@pytest.fixture(scope="module")
def plain() -> SentenceTransformerEncoder:
    return load_plain(DEFAULT_MODEL)


@pytest.fixture
def model(tmp_path: Path) -> str:
    return str(tiny(tmp_path, "mean"))


@pytest.fixture(autouse=True)
def _no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversion, "has_gpu", lambda: False)


def _in_full_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversion, "precision", lambda: "fp32")


def _passages() -> list[PassageInput]:
    halves = [(text, len(text) // 2, len(text)) for text in TEXTS]
    return [
        *(PassageInput("A title", text, (Span(0, half), Span(half, end))) for text, half, end in halves),
        *(PassageInput("", text, (Span(0, len(text)),)) for text in SENTENCES),
    ]


def _all_vectors(encoder, passages: list[PassageInput]) -> dict[str, Float32]:
    found = encoder.encode_passages(passages)
    queries = encoder.encode_queries([passage.text[:200] for passage in passages])
    return {
        "passages": np.stack([one.passage for one in found]),
        "sentences": np.concatenate([one.sentences for one in found]),
        "tokens": np.concatenate([one.tokens for one in found]),
        "queries": np.stack([query.vector for query in queries]),
        "query tokens": np.concatenate([query.tokens for query in queries]),
    }


# What an export's vectors may differ from the model's: cosines, in the mean and at the worst.
IN_8_BITS = dict.fromkeys(("passages", "sentences", "queries"), (0.995, 0.985))
IN_8_BITS |= dict.fromkeys(("tokens", "query tokens"), (0.994, 0.9))


def test_all_vectors_agree_with_sentence_transformers(default, plain) -> None:
    expected, found = _all_vectors(plain, _passages()), _all_vectors(default, _passages())
    exact = _all_vectors(default.reference, _passages())
    for name, (mean, least) in IN_8_BITS.items():
        found_cosines = cosines(expected[name], found[name])
        assert found_cosines.mean() > mean
        assert found_cosines.min() > least
        np.testing.assert_allclose(unit(exact[name]), unit(expected[name]), atol=1e-5)


def test_a_batch_gives_what_each_gives_alone(default) -> None:
    together = _all_vectors(default, _passages())
    alone = [_all_vectors(default, [passage]) for passage in _passages()]
    for name, (mean, least) in IN_8_BITS.items():  # in 8 bits a batch shares a scale
        found = cosines(together[name], np.concatenate([one[name] for one in alone]))
        assert found.mean() > mean
        assert found.min() > least


def test_it_counts_tokens_as_the_model_does(default, plain) -> None:
    for name in ("dimension", "longest", "max_tokens", "pools_late", "unknown_token"):
        assert getattr(default, name) == getattr(plain, name)
    assert default.count_tokens(TEXTS) == plain.count_tokens(TEXTS)
    for one, other in zip(default.encode_queries(TEXTS), plain.encode_queries(TEXTS), strict=True):
        assert (one.spans, one.token_count) == (other.spans, other.token_count)
    one, other = default.encode_passages([PASSAGE])[0], plain.encode_passages([PASSAGE])[0]
    assert one.token_counts == other.token_counts


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


def test_a_name_is_the_one_that_was_given(tmp_path: Path, model: str) -> None:
    shutil.copytree(model, tmp_path / "copy")
    first = exported(model, tmp_path / "cache", "fp32")
    second = exported(str(tmp_path / "copy"), tmp_path / "cache", "fp32")
    assert first.fingerprint == second.fingerprint
    assert (first.name, second.name) == (model, str(tmp_path / "copy"))


def test_the_fingerprint_changes_with_the_weights_and_the_precision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "qa.embedding.export.encoder._LEAST_COSINE", -1
    )  # what was drawn may be lost in 8 bits
    monkeypatch.setattr("qa.embedding.export.encoder._LEAST_NEIGHBOURS", 0)
    names = [str(tiny(tmp_path / str(seed), "mean", seed=seed)) for seed in (1, 2)]
    found = [
        exported(name, tmp_path / "cache", precision).fingerprint
        for name in names
        for precision in ("fp32", "int8")
    ]
    assert len({*found, *(load_plain(name).fingerprint for name in names)}) == 6
    assert exported(names[0], tmp_path / "cache", "fp32").fingerprint == found[0]


def _falls_back(name: str, cache: Path, caplog: pytest.LogCaptureFixture) -> str:
    """See that a model runs as it is, and give what was said."""
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
    assert "is of a kind that runs only as it is" in _falls_back(name, cache, caplog)
    (folder,) = (cache / "encoders").iterdir()
    assert f"(remove {folder} to try again)" in _falls_back(name, cache, caplog)
    assert load_encoder(name, cache).encode_queries(["rice"])[0].vector.shape == (load_plain(name).dimension,)


def test_a_model_that_pools_without_its_prompt_is_not_taken_for_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _in_full_precision(monkeypatch)
    name = str(tiny(tmp_path, "mean", prompts={"query": "query: "}, include_prompt=False))
    assert "have a cosine of 0." in _falls_back(name, tmp_path / "cache", caplog)


def _tampered(model: str, cache: Path) -> ExportedEncoder:
    """Make an export whose reference has other weights than it: as if 8 bits had not been enough."""
    encoder = exported(model, cache, "fp32")
    (folder,) = (cache / "encoders").iterdir()
    graph = onnx.load(folder / MODEL)
    onnx.save(graph, folder / REFERENCE)
    for tensor in graph.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype == np.float32 and values.ndim == 2:
            other = np.random.default_rng(0).standard_normal(values.shape).astype(np.float32)
            tensor.CopyFrom(onnx.numpy_helper.from_array(other, tensor.name))
    onnx.save(graph, folder / MODEL)
    _seal(folder, encoder)
    return ExportedEncoder(model, folder)


def _seal(folder: Path, encoder: ExportedEncoder) -> None:
    """Let an export's files be those that it was made of, and its vectors those that it gives."""
    facts = json.loads((folder / FACTS).read_text("utf-8"))
    facts["files"] = {name: digest for name, digest in digests(folder).items() if name != FACTS}
    facts["probe"] = ExportedEncoder(encoder.name, folder).probe().tolist()
    (folder / FACTS).write_text(json.dumps(facts), "utf-8")


def test_an_export_that_does_not_keep_the_vectors_is_refused_and_remembered(
    tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _in_full_precision(monkeypatch)
    cache = tmp_path / "cache"
    encoder = _tampered(model, cache)
    assert isinstance(load_encoder(model, cache), ExportedEncoder)
    sentences = [" ".join(WORDS[5 + (i + j) % 6] for j in range(1 + i % 5)) for i in range(30)]
    with pytest.raises(ExportRefusedError, match=r"is not used: on 30 sentences, .* of their nearest"):
        encoder.check(sentences)
    (folder,) = (cache / "encoders").iterdir()
    said = _falls_back(model, cache, caplog)
    assert "is not used: on 30 sentences" in said
    assert f"(remove {folder} to try again)" in said
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
    for reason in ("there was no index", "nothing has changed"):
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
    (folder / FACTS).write_text('{"name": "x"}')


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
    monkeypatch.setattr(conversion, "_make", None)
    load_encoder(model, tmp_path / "cache")
    assert not caplog.messages


def test_without_a_place_for_the_export_the_model_runs_as_it_is(
    tmp_path: Path, model: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "cache").write_text("not a folder")
    said = _falls_back(model, tmp_path / "cache", caplog)
    assert f"its export cannot be made in {tmp_path / 'cache' / 'encoders'} (" in said


def test_a_full_disk_is_not_remembered(
    tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _in_full_precision(monkeypatch)
    with pytest.MonkeyPatch.context() as for_now:
        for_now.setattr(conversion, "_export", lambda *_: _raise(OSError(28, "No space left on device")))
        assert "No space left on device" in _falls_back(model, tmp_path / "cache", caplog)
    assert not list((tmp_path / "cache" / "encoders").iterdir())
    assert isinstance(load_encoder(model, tmp_path / "cache"), ExportedEncoder)


def test_without_onnx_the_model_runs_as_it_is(
    tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert re.search("cannot be exported .*onnx", _falls_back(model, tmp_path / "cache", caplog))


def test_whatever_the_exporter_raises_the_model_runs_as_it_is(
    tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _in_full_precision(monkeypatch)
    for i, error in enumerate((KeyError("operator"), onnx.checker.ValidationError("bad"), ModelError("no"))):
        with pytest.MonkeyPatch.context() as for_now:
            for_now.setattr(conversion, "_export", lambda *_, error=error: _raise(error))
            assert "it cannot be exported (" in _falls_back(model, tmp_path / str(i), caplog)


def _raise(error: Exception) -> None:
    raise error


def test_a_model_that_cannot_be_run_is_told(tmp_path: Path, model: str) -> None:
    exported(model, tmp_path / "cache", "fp32").save(tmp_path / "saved")
    (tmp_path / "saved" / MODEL).write_bytes(b"no model")
    with pytest.raises(ModelError, match=r"model\.onnx cannot be run"):
        open_encoder(model, tmp_path / "saved").encode_queries(["rice"])
    (tmp_path / "saved" / FACTS).unlink()
    with pytest.raises(ModelError, match=r"encoder\.json cannot be read"):
        open_encoder(model, tmp_path / "saved")


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
    assert len([message for message in caplog.messages if "preparing" in message]) == 1


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
    expected, found = _all_vectors(default, _passages()), _all_vectors(opened, _passages())
    for name, vectors in expected.items():
        np.testing.assert_array_equal(found[name], vectors)


def test_without_an_export_the_model_is_opened_by_its_name(tmp_path: Path) -> None:
    assert isinstance(open_encoder(DEFAULT_MODEL, tmp_path / "encoder"), SentenceTransformerEncoder)


ASK = """
import sys
from pathlib import Path
from qa.config import Settings
from qa.types import Query
from qa.search import LiveSearcher
result = LiveSearcher(Settings(index=Path(sys.argv[1]))).current().search(Query("Who studies in Moscow?"))
print(result.hits[0].passage.document.path)
print(*(name for name in ("torch", "transformers", "sentence_transformers", "onnx") if name in sys.modules))
"""


def test_serving_needs_neither_torch_nor_sentence_transformers(tmp_path: Path, default, docs: Path) -> None:
    from qa.indexing.build import build

    build(Settings(docs=docs, index=tmp_path / "index"), default)
    done = subprocess.run(
        [sys.executable, "-c", ASK, tmp_path / "index"], capture_output=True, text=True, check=True
    )
    assert done.stdout == "envoy.txt\n\n"


def test_a_processor_that_gives_other_vectors_is_known(tmp_path: Path, model: str) -> None:
    exported(model, tmp_path / "cache", "fp32").save(tmp_path / "saved")
    facts = json.loads((tmp_path / "saved" / FACTS).read_text("utf-8"))
    for probe in (np.roll(facts["probe"], 1).tolist(), [float("nan")] * 16):
        (tmp_path / "saved" / FACTS).write_text(json.dumps(facts | {"probe": probe}), "utf-8")
        with pytest.raises(ModelError, match=r"gives other vectors here .* run `qa index` here"):
            open_encoder(model, tmp_path / "saved").encode_queries(["rice"])


needs_8_bits = pytest.mark.skipif(
    conversion.precision() == "fp32", reason="this processor is not made for 8 bits"
)


@needs_8_bits
def test_vectors_in_8_bits_are_nearer_to_the_models_than_by_the_usual_rounding(
    tmp_path: Path, default, monkeypatch: pytest.MonkeyPatch
) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    exact = default.reference.vectors(SENTENCES)
    ours = cosines(exact, default.vectors(SENTENCES, "query")).mean()
    default.save(tmp_path / "usual")
    path = default.reference._folder / REFERENCE
    graph = onnx.load(path)
    onnx.helper.set_model_props(graph, {"onnx.quant.pre_process": "onnxruntime.quant"})
    quantize_dynamic(graph, tmp_path / "usual" / MODEL, per_channel=True, weight_type=QuantType.QInt8)
    usual = cosines(exact, open_encoder("usual", tmp_path / "usual").vectors(SENTENCES, "query")).mean()
    assert ours > 0.996
    assert usual < 0.995


def test_documents_are_read_in_bf16_where_the_processor_has_tiles_for_it(tmp_path: Path, default) -> None:
    """On another processor, too, the same run time reads them, and no less exactly."""
    pytest.importorskip("openvino")
    made_so = conversion.precision() == "mixed"
    mixed = default if made_so else exported(DEFAULT_MODEL, tmp_path / "cache", "mixed")
    exact, found = _all_vectors(mixed.reference, _passages()), _all_vectors(mixed, _passages())
    for name in ("passages", "sentences", "tokens"):
        assert cosines(exact[name], found[name]).min() > 0.999
    if conversion.precision() == "fp32":
        return  # it adds 8-bit products in 16 bits, which are too few for some questions
    for name in ("queries", "query tokens"):
        mean, least = IN_8_BITS[name]
        assert mean < cosines(exact[name], found[name]).mean() < 0.9995
        assert cosines(exact[name], found[name]).min() > least


def test_a_model_that_fails_on_documents_alone_is_refused(
    tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "qa.embedding.export.encoder._LEAST_COSINE", -1
    )  # what was drawn may be lost in 8 bits
    monkeypatch.setattr("qa.embedding.export.encoder._LEAST_NEIGHBOURS", 0)
    mixed = exported(model, tmp_path / "cache", "mixed")
    monkeypatch.undo()
    monkeypatch.setattr(mixed, "_model", onnx_runtime(mixed.reference._folder / REFERENCE))
    mixed.check(SENTENCES)
    monkeypatch.setattr(
        mixed, "_model_of_documents", (lambda ids, mask: np.ones((*ids.shape, 16), np.float32), 1024)
    )
    with pytest.raises(ExportRefusedError, match="each as a document"):
        mixed.check(SENTENCES)


def test_what_a_run_time_raises_is_told(tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / MODEL
    path.write_bytes(b"no model")
    for opened in (onnx_runtime, partial(openvino_in_bf16, threads=1, longest=64)):
        with pytest.raises(ModelError, match=r"model\.onnx cannot be run: "):
            opened(path)
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(ModelError, match="openvino"):
        openvino_in_bf16(path, 1, 64)


def test_openvino_has_run_before_threads_may_run_it_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two first runs in a process, at once, have waited for each other for ever."""
    ran = []

    class Request:
        def infer(self, inputs: dict) -> list:
            shape = inputs["input_ids"].shape
            assert inputs["attention_mask"].shape == shape
            ran.append((shape, threading.get_ident()))
            return [np.zeros((*shape, 16), np.float32)]

    model = SimpleNamespace(create_infer_request=Request)
    core = SimpleNamespace(compile_model=lambda *_: model)
    monkeypatch.setitem(sys.modules, "openvino", SimpleNamespace(Core=lambda: core))
    run = openvino_in_bf16(Path("any.onnx"), threads=2, longest=20)
    assert ran == [((1, 8), threading.get_ident())]
    for length, padded in (
        (11, 16),
        (16, 16),
        (17, 20),
        (20, 20),
    ):  # a model has no places beyond its longest
        found = run(np.ones((3, length), np.int64), np.ones((3, length), np.int64))
        assert ran[-1][0] == (3, padded)
        assert found.shape == (3, length, 16)


def test_the_precision_is_what_the_processor_is_made_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for flags, installed, expected in (
        ("fpu avx2", True, "fp32"),
        ("fpu avx512_vnni", True, "int8"),
        ("fpu avx512_vnni amx_int8 amx_bf16", True, "mixed"),
        ("fpu avx512_vnni amx_int8 amx_bf16", False, "int8"),
    ):
        monkeypatch.setattr(Path, "read_text", lambda *_, flags=flags: f"flags : {flags}\n")
        monkeypatch.setattr(conversion, "has_openvino", lambda installed=installed: installed)
        assert conversion.precision() == expected


@needs_8_bits
@pytest.mark.parametrize(
    "kind",
    [
        {
            "kind": (AlbertConfig, AlbertModel),
            "embedding_size": 16,
            "initializer_range": 0.5,
            "weights": {"attention.LayerNorm.weight": (slice(1), 4.0)},
        },
        {"hidden_act": "relu", "weights": {"intermediate.dense.bias": (slice(None), -100.0)}},
    ],
    ids=["shared", "zeros"],
)
def test_layers_that_share_weights_and_rows_of_zeros_can_be_rounded(tmp_path: Path, kind: dict) -> None:
    exact = exported(str(tiny(tmp_path, "mean", **kind)), tmp_path / "cache", "fp32")
    sample = [exact.tokenizer.encode(text) for text in ("rice was sold", "in the port")]
    inputs = [
        {"input_ids": np.array([one.ids]), "attention_mask": np.array([one.attention_mask])} for one in sample
    ]
    exact.save(tmp_path / "rounded")
    quantization.quantize(exact._folder / MODEL, tmp_path / "rounded" / MODEL, inputs)
    _seal(tmp_path / "rounded", exact)
    found = open_encoder("rounded", tmp_path / "rounded").vectors(SENTENCES)
    assert cosines(exact.vectors(SENTENCES), found).min() > 0.99


def _drawn(shape: tuple[int, int], seed: int) -> Float32:
    return unit(np.random.default_rng(seed).standard_normal(shape)).astype(np.float32)


@given(st.integers(1, 40), st.integers(2, 20), st.integers(0, 9))
def test_agreement_of_the_same_is_whole_and_of_two_the_same_either_way(
    count: int, dimension: int, seed: int
) -> None:
    one, other = _drawn((count, dimension), seed), _drawn((count, dimension), seed + 100)
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
