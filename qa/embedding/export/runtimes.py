"""What runs the ONNX file of a model: token numbers and a mask in, token vectors out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
"""Takes the texts' token numbers and what of those is not padding, both of shape (texts, tokens); gives the
tokens' vectors, shape (texts, tokens, dimension). Any number of threads may call it, each on one core:
batches, and requests, run beside each other.
"""

_SLOWER = ["SkipLayerNormFusion"]
"""Optimizations of ONNX Runtime that cost time: fused, a sum and its normalisation take twice as long."""

_MULTIPLE = 8
"""OpenVINO makes code for each new shape: so few shapes are better, even where texts are padded for it."""

_OPENING = Lock()
"""For the first run in a process: two at once wait for each other for ever where OpenVINO 2026.4 prepares its
Python types, one with a guard of C++, one with the interpreter's lock.
"""


def onnx_runtime(path: Path) -> Run:
    """Open a file with ONNX Runtime.

    Raises:
        ModelError: it cannot be run.
    """
    with _told(f"{path} cannot be run"):
        import onnxruntime  # not needed where nothing has changed

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"], disabled_optimizers=_SLOWER
        )

    @_told("the model cannot be run")
    def run(ids: Int64, mask: Int64) -> Float32:
        found: Float32 = session.run(None, {"input_ids": ids, "attention_mask": mask})[0]
        return found

    return run


def has_openvino() -> bool:
    """Tell, without loading it, whether OpenVINO is installed: there is none for every machine."""
    return find_spec("openvino") is not None


def openvino_in_bf16(path: Path, threads: int, longest: int) -> Run:
    """Open a file in full precision with OpenVINO, which multiplies in bf16 where the processor can.

    Args:
        path: of the file.
        threads: how many may run it at once.
        longest: the longest text that the model reads, in tokens.

    Raises:
        ModelError: it cannot be run.
    """
    idle: SimpleQueue[Any] = SimpleQueue()

    @_told("the model cannot be run")
    def run(ids: Int64, mask: Int64) -> Float32:
        length = ids.shape[1]
        padding = (0, 0), (0, max(0, min(-length % _MULTIPLE, longest - length)))
        inputs = {"input_ids": np.pad(ids, padding), "attention_mask": np.pad(mask, padding)}
        request = idle.get()
        try:
            found = request.infer(inputs)[0]
        finally:
            idle.put(request)
        return np.asarray(found[:, :length], np.float32)

    with _OPENING:
        with _told(f"{path} cannot be run"):
            import openvino  # a build alone needs it

            options = {
                "INFERENCE_PRECISION_HINT": "bf16",
                "INFERENCE_NUM_THREADS": threads,
                "NUM_STREAMS": threads,
                "ENABLE_CPU_PINNING": False,  # another process may have been given the same cores
            }
            model = openvino.Core().compile_model(path, "CPU", options)
            for _ in range(threads):
                idle.put(model.create_infer_request())  # its memory is kept from one run to the next
        run(np.zeros((1, 1), np.int64), np.ones((1, 1), np.int64))
    return run


@contextmanager
def _told(what: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # those of the run times have no common kind
        raise ModelError(f"{what}: {error}") from error
