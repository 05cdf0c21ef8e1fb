"""Weights of ONNX files in a file beside them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from qa.embedding.export import external_weights
from qa.embedding.export.external_weights import load, save

TABLE = np.random.default_rng(0).standard_normal((11, 4)).astype(np.float32)
WEIGHT = np.arange(1200, dtype=np.float32).reshape(4, 300)


def _lookup(table: np.ndarray, *more: onnx.NodeProto) -> onnx.ModelProto:
    """Return a model that looks up rows of a table and multiplies them by a weight."""
    ids = helper.make_tensor_value_info("ids", TensorProto.INT64, ["tokens"])
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, None)
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["rows"]),
        helper.make_node("MatMul", ["rows", "weight"], ["out"]),
    ]
    tensors = [numpy_helper.from_array(table, "table"), numpy_helper.from_array(WEIGHT, "weight")]
    graph = helper.make_graph([*nodes, *more], "lookup", [ids], [out], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _values(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


def test_a_table_is_written_whole_though_the_model_has_few_of_its_rows(tmp_path: Path) -> None:
    save(_lookup(TABLE[:2]), tmp_path / "model.onnx", {"table": TABLE})
    written = _values(onnx.load(tmp_path / "model.onnx"))
    np.testing.assert_array_equal(written["table"], TABLE)
    np.testing.assert_array_equal(written["weight"], WEIGHT)
    assert (tmp_path / "model.onnx").stat().st_size < 1000
    import onnxruntime

    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    ids = np.array([10, 0, 3])
    np.testing.assert_allclose(session.run(None, {"ids": ids})[0], TABLE[ids] @ WEIGHT, rtol=1e-5)


def test_a_file_that_was_there_is_replaced_and_what_is_linked_to_it_kept(tmp_path: Path) -> None:
    for name in ("model.onnx", "model.onnx.data"):
        (tmp_path / name).write_bytes(b"old")
        os.link(tmp_path / name, tmp_path / f"linked {name}")
    save(_lookup(TABLE[:2]), tmp_path / "model.onnx", {"table": TABLE})
    assert (tmp_path / "model.onnx.data").read_bytes()[:8] == WEIGHT[0, :2].tobytes()
    assert {path.read_bytes() for path in tmp_path.glob("linked *")} == {b"old"}


def test_a_table_is_loaded_as_its_extremes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(external_weights, "_ROWS_AT_ONCE", 4)
    save(_lookup(TABLE[:2]), tmp_path / "model.onnx", {"table": TABLE})
    model, tables = load(tmp_path / "model.onnx")
    loaded = _values(model)
    np.testing.assert_array_equal(loaded["table"], [[TABLE.min()] * 4, [TABLE.max()] * 4])
    np.testing.assert_array_equal(loaded["weight"], WEIGHT)
    blocks = list(tables["table"].blocks())
    assert list(map(len, blocks)) == [4, 4, 3]
    np.testing.assert_array_equal(np.concatenate(blocks), TABLE)


def test_a_table_that_is_also_multiplied_is_loaded_whole(tmp_path: Path) -> None:
    product = helper.make_node("MatMul", ["table", "weight"], ["scores"])
    save(_lookup(TABLE, product), tmp_path / "model.onnx", {"table": TABLE})
    model, tables = load(tmp_path / "model.onnx")
    assert not tables
    np.testing.assert_array_equal(_values(model)["table"], TABLE)
