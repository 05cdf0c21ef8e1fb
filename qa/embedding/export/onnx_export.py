"""Models of transformers, written as ONNX files."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from qa.embedding.export.external_weights import Tables, save

_OPSET = 17  # the first of ONNX with a layer normalisation operator, which ``quantization`` needs

_EXAMPLE_ID = 1  # of the tokens of which the example for the exporter is made


def write_onnx(model: Any, path: Path, inputs: Sequence[str], select: Callable[[Any], Any]) -> None:
    """Write a model as ONNX.

    Args:
        model: a model of transformers.
        path: where to write, in an empty folder.
        inputs: the model's arguments, such as ``input_ids``; each is of shape (texts, tokens).
        select: returns what is wanted of the model's output, of shape (texts, tokens, any).

    Raises:
        ValueError: the file would be too large. Other errors are the exporter's own.
    """
    import onnx

    attention = model.config._attn_implementation  # noqa: SLF001 -- transformers has no other name for it
    model.set_attn_implementation("eager")  # plain matrix products, which can be quantized
    try:
        exported = _selected(model, inputs, select)
        with _few_embeddings(exported) as tables:
            _trace(exported, path, inputs)
    finally:
        model.set_attn_implementation(attention)
    if len(list(path.parent.iterdir())) > 1:
        raise ValueError("it is larger than 2 GB, the limit of an ONNX file")
    save(onnx.load(path), path, tables)


def _selected(model: Any, inputs: Sequence[str], select: Callable[[Any], Any]) -> Any:
    """Return a module that takes the inputs in their order, and gives what is wanted of the output."""
    import torch  # takes seconds

    class Selected(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *values: Any) -> Any:
            return select(self.model(**dict(zip(inputs, values, strict=True))))

    return Selected().eval()  # the exporter gives the model back in the mode of this


def _trace(exported: Any, path: Path, inputs: Sequence[str]) -> None:
    """Let the exporter write what a module does with an example."""
    import torch

    axes = {0: "texts", 1: "tokens"}
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter, and about values that are constant here
        torch.onnx.export(
            exported,
            tuple(_example(torch, name) for name in inputs),
            str(path),
            input_names=list(inputs),
            output_names=["output"],
            dynamic_axes=dict.fromkeys([*inputs, "output"], axes),
            opset_version=_OPSET,
            dynamo=False,  # the other exporter needs two more packages
        )


def _example(torch: Any, name: str) -> Any:
    """Return two texts of eight equal tokens, of type 0 if the model knows types."""
    return torch.full((2, 8), 0 if name == "token_type_ids" else _EXAMPLE_ID)


@contextmanager
def _few_embeddings(exported: Any) -> Iterator[Tables]:
    """Leave out all but a few of a model's word embeddings while it is exported, and yield all."""
    import torch

    embeddings = exported.model.get_input_embeddings()
    whole = embeddings.weight
    names = [name for name, parameter in exported.named_parameters() if parameter is whole]
    rows = _EXAMPLE_ID + 1 + max(0, embeddings.padding_idx or 0)
    embeddings.weight = torch.nn.Parameter(whole[:rows].detach().clone())
    try:
        yield {name: whole.detach().numpy() for name in names}
    finally:
        embeddings.weight = whole
