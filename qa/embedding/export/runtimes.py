"""The run times of a model's ONNX file: token ids and a mask in, token vectors out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from queue import SimpleQueue
from threading import Lock
from typing import Any

import numpy as np

from qa.errors import ModelError
from qa.types import Float32, Int64

Run = Callable[[Int64, Int64], Float32]
"""Takes token ids and a mask that is 1 except for padding, both of shape (texts, tokens), and returns the
tokens' vectors, shape (texts, tokens, dimension). Any number of threads may call it, each on one core:
batches and requests run in parallel.
"""

RunInputs = Callable[[Mapping[str, Int64]], Float32]
"""Takes a model's inputs by name, each of shape (texts, tokens), and returns its output, whose first two axes
are the same. Any number of threads may call it.
"""

INPUTS = ("input_ids", "attention_mask")
"""The names of the inputs of ``Run``."""

_SLOW_OPTIMIZERS = ["SkipLayerNormFusion"]
"""Optimizations of ONNX Runtime that cost time: fused, a sum and its normalisation took twice as long."""

_LENGTH_STEP = 8
"""Lengths are padded to multiples of it: OpenVINO compiles code for each new shape, which costs more."""

_FIRST_RUN = Lock()
"""Held during the first run in a process. Two first runs at once deadlock when OpenVINO 2026.4 prepares its
Python types: one holds a guard of C++, the other the interpreter's lock.
"""


def onnx_runtime(path: Path) -> Run:
    """Open an ONNX file of an embedding model with ONNX Runtime.

    Raises:
        ModelError: it cannot be run.
    """
    run = onnx_session(path)
    return lambda ids, mask: run(dict(zip(INPUTS, (ids, mask), strict=True)))


def onnx_session(path: Path) -> RunInputs:
    """Open any ONNX file of one output with ONNX Runtime.

    Raises:
        ModelError: it cannot be run.
    """
    with _model_errors(f"{path} cannot be run"):
        import onnxruntime  # a build without changes needs no model

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"], disabled_optimizers=_SLOW_OPTIMIZERS
        )

    @_model_errors("the model cannot be run")
    def run(inputs: Mapping[str, Int64]) -> Float32:
        output: Float32 = session.run(None, dict(inputs))[0]
        return output

    return run


def has_openvino() -> bool:
    """Whether OpenVINO is installed, which not every platform has. Checked without loading it."""
    return find_spec("openvino") is not None


def openvino_in_bf16(path: Path, threads: int, max_seq_length: int) -> Run:
    """Open an ONNX file in full precision with OpenVINO, which multiplies in bf16 if the processor can.

    Args:
        path: the file.
        threads: how many threads may run it at once.
        max_seq_length: the longest text that the model reads, in tokens.

    Raises:
        ModelError: it cannot be run.
    """
    idle: SimpleQueue[Any] = SimpleQueue()

    @_model_errors("the model cannot be run")
    def run(ids: Int64, mask: Int64) -> Float32:
        length = ids.shape[1]
        padding = (0, 0), (0, max(0, min(-length % _LENGTH_STEP, max_seq_length - length)))
        inputs = {"input_ids": np.pad(ids, padding), "attention_mask": np.pad(mask, padding)}
        request = idle.get()
        try:
            vectors = request.infer(inputs)[0]
        finally:
            idle.put(request)
        return np.asarray(vectors[:, :length], np.float32)

    with _FIRST_RUN:
        with _model_errors(f"{path} cannot be run"):
            import openvino  # only a build needs it

            options = {
                "INFERENCE_PRECISION_HINT": "bf16",
                "INFERENCE_NUM_THREADS": threads,
                "NUM_STREAMS": threads,
                "ENABLE_CPU_PINNING": False,  # another process may use the same cores
            }
            model = openvino.Core().compile_model(path, "CPU", options)
            for _ in range(threads):
                idle.put(model.create_infer_request())  # it keeps its memory from one run to the next
        run(np.zeros((1, 1), np.int64), np.ones((1, 1), np.int64))
    return run


@contextmanager
def _model_errors(message: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # the run times' errors share no base class
        raise ModelError(f"{message}: {error}") from error
