"""ONNX files whose weights are in a file beside them, which ONNX Runtime maps instead of copying.

Most of a multilingual model is its table of word embeddings: 384 of 471 MB for 250,037 words. A graph in
memory has a few rows of it only, because whatever works on a graph copies it several times.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qa.types import Float32

WEIGHTS = ".data"
"""Added to the name of an ONNX file for that of its weights, which processes map and share."""

Tables = Mapping[str, NDArray[Any]]
"""Whole tables of embeddings by name, each of shape (rows, dimension)."""

_ROWS_AND_COLUMNS = 2
_ROWS_AT_ONCE = 8192
"""Rows of a table that are mapped at once: some 13 MB."""

_PAGE = 4096  # bytes: a part of a file can be mapped from the start of a page


def save(model: Any, path: Path, tables: Tables) -> None:
    """Write an ONNX model, and its weights into a file beside it.

    Args:
        model: the model, whose weights are taken out of it.
        path: where to write.
        tables: the tables of which the model has a few rows only.
    """
    import onnx  # only a new model is written

    weights = path.with_name(path.name + WEIGHTS)
    for old in (path, weights):  # weights that are there are appended to, and may be linked elsewhere
        old.unlink(missing_ok=True)
    onnx.save_model(model, path, save_as_external_data=True, location=weights.name)
    initializers = {tensor.name: tensor for tensor in model.graph.initializer}
    for name, table in tables.items():
        _append(initializers[name], weights, np.ascontiguousarray(table))
    path.write_bytes(model.SerializeToString())
    if weights.exists():
        weights.chmod(path.stat().st_mode)  # ONNX lets the owner alone read it


def _append(tensor: Any, weights: Path, table: NDArray[Any]) -> None:
    """Append a table to a file of weights, and let a tensor refer to it."""
    from onnx.external_data_helper import set_external_data

    with weights.open("ab") as file:
        file.write(bytes(-file.tell() % _PAGE))
        tensor.dims[:] = table.shape
        tensor.raw_data = b""  # only raw data can be external
        set_external_data(tensor, weights.name, file.tell(), table.nbytes)
        tensor.ClearField("raw_data")
        file.write(table.data)


@dataclass(frozen=True, slots=True)
class StoredTable:
    """A table of embeddings in a file of weights.

    Attributes:
        weights: the file.
        offset: where the table starts there, in bytes.
        shape: its rows and columns.
    """

    weights: Path
    offset: int
    shape: tuple[int, int]

    def blocks(self) -> Iterator[Float32]:
        """Yield the table in parts, each mapped for as long as it is used, of shape (rows, columns)."""
        rows, columns = self.shape
        for start in range(0, rows, _ROWS_AT_ONCE):
            offset = self.offset + start * columns * np.dtype(np.float32).itemsize
            shape = (min(_ROWS_AT_ONCE, rows - start), columns)
            yield np.memmap(self.weights, np.float32, "r", offset, shape)


def load(path: Path) -> tuple[Any, dict[str, StoredTable]]:
    """Load an ONNX model that ``save`` has written, without most rows of its tables of embeddings.

    A table has two rows instead: one of its least value, and one of its greatest.

    Returns:
        The model, and where the whole tables are, by name.
    """
    import onnx
    from onnx.external_data_helper import uses_external_data

    model = onnx.load(path, load_external_data=False)
    names, tables = _embeddings(model), {}
    for tensor in filter(uses_external_data, model.graph.initializer):
        if tensor.name in names:
            table = tables[tensor.name] = _stored(tensor, path)
            bounds = [(block.min(), block.max()) for block in table.blocks()]
            extremes = np.array([[np.min(bounds)], [np.max(bounds)]]).repeat(table.shape[1], axis=1)
            tensor.CopyFrom(onnx.numpy_helper.from_array(extremes, tensor.name))
        else:
            # onnx's own function refuses files with several links, as `ExportedEncoder.save` makes them.
            tensor.raw_data = _stored_bytes(tensor, path)
            tensor.data_location = onnx.TensorProto.DEFAULT
            del tensor.external_data[:]
    return model, tables


def _embeddings(model: Any) -> set[str]:
    """Return the names of a model's tables in full precision whose rows are looked up, and no more."""
    from onnx import TensorProto

    nodes = model.graph.node
    looked_up = {node.input[0] for node in nodes if node.op_type == "Gather"}
    otherwise = {name for node in nodes for name in node.input[node.op_type == "Gather" :]}
    tables = {
        tensor.name
        for tensor in model.graph.initializer
        if tensor.data_type == TensorProto.FLOAT and len(tensor.dims) == _ROWS_AND_COLUMNS
    }
    return tables & (looked_up - otherwise)


def _stored_bytes(tensor: Any, path: Path) -> bytes:
    places = {entry.key: entry.value for entry in tensor.external_data}
    with path.with_name(places["location"]).open("rb") as weights:
        weights.seek(int(places.get("offset", 0)))
        return weights.read(int(places["length"]))


def _stored(tensor: Any, path: Path) -> StoredTable:
    """Return where a table of an ONNX file is."""
    places = {entry.key: entry.value for entry in tensor.external_data}
    rows, columns = tensor.dims
    return StoredTable(path.with_name(places["location"]), int(places.get("offset", 0)), (rows, columns))
