"""Exports in the folder ``cache``: each is made once, by one process, and is there whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from qa.embedding.locking import locked
from qa.embedding.model_files import digests
from qa.embedding.preparation import Preparation
from qa.errors import ExportRefusedError, ModelError

REFUSED = "refused.txt"


class Step(StrEnum):
    """A step of an export, in words."""

    LOADING = "loading it"
    TRYING = "reading a sample of text with it"
    WRITING = "writing it as ONNX"
    ROUNDING = "rounding it to 8 bits"
    COMPARING = "comparing the result with it"


@dataclass(frozen=True, slots=True)
class Plan:
    """How an export is made.

    Attributes:
        name: the model's name.
        description: name of the file that describes the export.
        files: returns the SHA-256 of each other file of an export's folder, from its description, or raises
            ModelError.
        write: writes the export into a folder and checks it, or raises ExportRefusedError. It says which step
            begins.
    """

    name: str
    description: str
    files: Callable[[Path], Mapping[str, str]]
    write: Callable[[Path, Preparation], None]


def make_once(folder: Path, plan: Plan) -> bool:
    """Make an export in its folder if it is not there; return whether it was made now.

    Raises:
        ExportRefusedError: it cannot be made, now or earlier. That is remembered, unless the cause is not the
            model, such as a full disk.
    """
    try:
        with locked(folder.parent):
            if (folder / REFUSED).exists():
                reason = (folder / REFUSED).read_text("utf-8")
                raise ExportRefusedError(f"{reason} (remove {folder} to try again)")
            if _is_complete(folder, plan):
                return False
            _make(folder, plan)
            return True
    except OSError as error:
        raise ExportRefusedError(
            f"the model {plan.name!r} runs as it is, which is slower: its export cannot be made in "
            f"{folder.parent} ({error})"
        ) from error


def expected_work(size: int, table_size: int, *, prompts: int = 1, rounded: bool) -> dict[str, float]:
    """Return how much work the steps of an export are once the model is loaded. Only proportions count.

    They were measured in seconds on two cores, of models of 6 and 12 layers.

    Args:
        size: that of the model's files, in bytes.
        table_size: that of its word embeddings, which are only copied and hashed.
        prompts: with how many prompts the sample is read.
        rounded: whether the export is rounded to 8 bits.
    """
    layers, table = (size - table_size) / 1e6, table_size / 1e6
    rounding: dict[str, float] = {Step.ROUNDING: 0.3 + 0.025 * layers + 0.002 * table} if rounded else {}
    return {
        Step.TRYING: prompts * (0.25 + 0.012 * layers),
        Step.WRITING: 0.8 + 0.006 * layers + 0.001 * table,
        **rounding,
        Step.COMPARING: prompts * (0.4 + 0.012 * layers + 0.0015 * table),
    }


def _is_complete(folder: Path, plan: Plan) -> bool:
    try:
        expected = plan.files(folder)
    except ModelError:
        return False
    cache = folder.parent.parent  # a folder of it holds all exports of a kind
    made = digests(folder, cache)
    return {name: digest for name, digest in made.items() if name != plan.description} == expected


def _make(folder: Path, plan: Plan) -> None:
    """Export into a draft beside the folder, and move it into place once it is complete and checked."""
    for leftover in (folder, *folder.parent.glob(".*")):  # damaged, or of interrupted runs
        shutil.rmtree(leftover, ignore_errors=True)
    draft = folder.with_name(f".{folder.name}")
    draft.mkdir()
    preparation = Preparation(f"preparing the model {plan.name!r} for this processor")
    try:
        _write_checked(draft, plan, preparation)
        draft.rename(folder)
        preparation.finish()
    except ExportRefusedError as refusal:
        with suppress(OSError):
            folder.mkdir()
            (folder / REFUSED).write_text(str(refusal), "utf-8")
        raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _write_checked(draft: Path, plan: Plan, preparation: Preparation) -> None:
    try:
        plan.write(draft, preparation)
    except (ExportRefusedError, OSError):
        raise
    except Exception as error:  # the errors of torch, ONNX and its run time share no base class
        raise ExportRefusedError(
            f"the model {plan.name!r} runs as it is, which is slower: it cannot be exported ({error})"
        ) from error
