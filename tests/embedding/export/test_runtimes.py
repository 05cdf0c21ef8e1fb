"""ONNX Runtime and OpenVINO."""

from __future__ import annotations

import sys
import threading
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pytest

from qa.embedding.export.encoder import MODEL
from qa.embedding.export.runtimes import has_openvino, onnx_runtime, openvino_in_bf16
from qa.errors import ModelError


def test_errors_of_a_run_time_become_model_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / MODEL
    path.write_bytes(b"no model")
    for opened in (onnx_runtime, partial(openvino_in_bf16, threads=1, max_seq_length=64)):
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
    run = openvino_in_bf16(Path("any.onnx"), threads=2, max_seq_length=20)
    assert ran == [((1, 8), threading.get_ident())]
    for length, padded in (
        (11, 16),
        (16, 16),
        (17, 20),
        (20, 20),
    ):  # a model has no places beyond its longest
        vectors = run(np.ones((3, length), np.int64), np.ones((3, length), np.int64))
        assert ran[-1][0] == (3, padded)
        assert vectors.shape == (3, length, 16)


def _counting_model(path: Path) -> Path:
    """Write a model whose vector of a token is its id and its mask."""
    from onnx import TensorProto, helper

    ids, mask = (
        helper.make_tensor_value_info(name, TensorProto.INT64, ["texts", "tokens"]) for name in INPUTS
    )
    vectors = helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["texts", "tokens", 2])
    last = helper.make_tensor("last", TensorProto.INT64, [1], [-1])
    nodes = [
        *(helper.make_node("Unsqueeze", [name, "last"], [f"{name}.column"]) for name in INPUTS),
        helper.make_node("Concat", [f"{name}.column" for name in INPUTS], ["both"], axis=-1),
        helper.make_node("Cast", ["both"], ["vectors"], to=TensorProto.FLOAT),
    ]
    graph = helper.make_graph(nodes, "counting", [ids, mask], [vectors], [last])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)
    return path


INPUTS = ("input_ids", "attention_mask")


@pytest.mark.parametrize("runtime", ["onnx", "openvino"])
def test_ids_and_mask_go_in_and_vectors_come_out(tmp_path: Path, runtime: str) -> None:
    path = _counting_model(tmp_path / MODEL)
    if runtime == "openvino":
        pytest.importorskip("openvino")
        run = openvino_in_bf16(path, threads=2, max_seq_length=20)
    else:
        run = onnx_runtime(path)
    ids = np.array([[5, 6, 7], [8, 0, 0]])
    mask = np.array([[1, 1, 1], [1, 0, 0]])
    vectors = run(ids, mask)
    assert vectors.dtype == np.float32
    np.testing.assert_array_equal(vectors, np.stack([ids, mask], axis=-1))


def test_openvino_is_missed_without_loading_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qa.embedding.export.runtimes.find_spec", lambda _: None)
    assert not has_openvino()
