"""Quantized models: their vectors are near those in full precision."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from models import cosines, exported, tiny
from transformers import AlbertConfig, AlbertModel

from embedding.export.exports import SENTENCES, needs_8_bits, seal
from qa.embedding.export import external_weights, quantization
from qa.embedding.export.encoder import MODEL, REFERENCE
from qa.embedding.export.quantization import _Graph, channel_peaks
from qa.embedding.loading import open_encoder


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
        {"input_ids": np.array([text.ids]), "attention_mask": np.array([text.attention_mask])}
        for text in sample
    ]
    exact.save(tmp_path / "rounded")
    quantization.quantize(exact._folder / MODEL, tmp_path / "rounded" / MODEL, inputs)
    seal(tmp_path / "rounded", exact.name)
    rounded = open_encoder("rounded", tmp_path / "rounded").vectors(SENTENCES)
    assert cosines(exact.vectors(SENTENCES), rounded).min() > 0.99


def test_embeddings_are_rounded_as_usual_though_not_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    monkeypatch.setattr(external_weights, "_ROWS_AT_ONCE", 4)
    exact = exported(str(tiny(tmp_path, "mean", hidden_size=32)), tmp_path / "cache", "fp32")._folder / MODEL
    quantization.quantize(exact, tmp_path / "ours.onnx", [])
    whole = onnx.load(exact)
    onnx.helper.set_model_props(whole, {"onnx.quant.pre_process": "onnxruntime.quant"})
    quantize_dynamic(whole, tmp_path / "usual.onnx", per_channel=True, weight_type=QuantType.QInt8)
    ours, usual = (
        {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer}
        for path in (tmp_path / "ours.onnx", tmp_path / "usual.onnx")
    )
    tables = [name for name in usual if "embeddings.weight" in name]
    assert f"{max(tables, key=lambda name: usual[name].size)}" in ours
    for name in tables:
        np.testing.assert_array_equal(ours[name], usual[name])


def _product(weight: np.ndarray, before: str) -> onnx.ModelProto:
    """Return a model that multiplies the output of an operator by a weight."""
    from onnx import TensorProto, helper, numpy_helper

    inner, outer = weight.shape
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", inner])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["rows", outer])
    tensors = [numpy_helper.from_array(weight, "weight"), numpy_helper.from_array(np.ones(inner, "f"), "one")]
    inputs = ["x", "one"] if before == "LayerNormalization" else ["x"]
    nodes = [helper.make_node(before, inputs, ["h"]), helper.make_node("MatMul", ["h", "weight"], ["y"])]
    graph = helper.make_graph(nodes, "product", [x], [y], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _outputs(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    import onnxruntime

    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0]


@pytest.mark.parametrize("before", ["LayerNormalization", "Relu"])
def test_smoothing_and_scaling_change_no_product_in_full_precision(before: str, tmp_path: Path) -> None:
    chance = np.random.default_rng(0)
    x = chance.standard_normal((5, 6)).astype(np.float32) * np.array([1, 1, 50, 1, 1, 1], np.float32)
    x[3] = 0
    model = _product(chance.standard_normal((6, 4)).astype(np.float32), before)
    expected = _outputs(model, x)
    graph = _Graph(model)
    assert list(graph.products) == ["h"]
    assert graph.narrows("h")
    assert graph.can_be_smoothed("h") == (before == "LayerNormalization")
    onnx.save(model, tmp_path / "model.onnx")
    peaks = channel_peaks(tmp_path / "model.onnx", ["h"], [{"x": x}, {"x": -x}])["h"]
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]
    assert peaks.shape == (6,)
    if before == "LayerNormalization":
        graph.smooth("h", peaks)
    else:
        np.testing.assert_allclose(peaks, np.abs(x).max(axis=0))
        graph.scale_rows("h")
    np.testing.assert_allclose(_outputs(graph.model, x), expected, rtol=1e-4, atol=1e-5)
