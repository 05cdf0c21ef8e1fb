"""Exports in the folder ``cache``: each is made once, by one process, and is there whole or not at all."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from qa.embedding.locking import locked
from qa.embedding.model_files import digests
from qa.errors import ExportRefusedError, ModelError

REFUSED = "refused.txt"

_SECONDS = 6
_SECONDS_PER_BYTE, _SECONDS_PER_TABLE_BYTE = 0.2e-6, 0.02e-6
"""The time to export a model and check it, on two cores: to load libraries; for each byte of its files, whose
weights are traced, rounded and run; and for each of its word embeddings, which are only copied and hashed."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Plan:
    """How an export is made.

    Attributes:
        name: the model's name.
        seconds: about how long it takes.
        description: name of the file that describes the export.
        files: returns the SHA-256 of each other file of an export's folder, from its description, or raises
            ModelError.
        write: writes the export into a folder and checks it, or raises ExportRefusedError.
    """

    name: str
    seconds: int
    description: str
    files: Callable[[Path], Mapping[str, str]]
    write: Callable[[Path], None]


def make_once(folder: Path, plan: Plan) -> None:
    """Make an export in its folder if it is not there.

    Raises:
        ExportRefusedError: it cannot be made, now or earlier. That is remembered, unless the cause is not the
            model, such as a full disk.
    """
    try:
        with locked(folder.parent):
            if (folder / REFUSED).exists():
                reason = (folder / REFUSED).read_text("utf-8")
                raise ExportRefusedError(f"{reason} (remove {folder} to try again)")
            if not _is_complete(folder, plan):
                _log.warning(
                    "preparing the model %r for this processor (once, about %d seconds)",
                    plan.name,
                    plan.seconds,
                )
                _make(folder, plan)
    except OSError as error:
        raise ExportRefusedError(
            f"the model {plan.name!r} runs as it is, which is slower: its export cannot be made in "
            f"{folder.parent} ({error})"
        ) from error


def expected_seconds(size: int, table_size: int) -> int:
    """Return how long an export takes, given the sizes of a model and of its word embeddings in bytes."""
    seconds = _SECONDS + _SECONDS_PER_BYTE * (size - table_size) + _SECONDS_PER_TABLE_BYTE * table_size
    return int(round(seconds, -1))


def _is_complete(folder: Path, plan: Plan) -> bool:
    try:
        expected = plan.files(folder)
    except ModelError:
        return False
    return {name: digest for name, digest in digests(folder).items() if name != plan.description} == expected


def _make(folder: Path, plan: Plan) -> None:
    """Export into a draft beside the folder, and move it into place once it is complete and checked."""
    for leftover in (folder, *folder.parent.glob(".*")):  # damaged, or of interrupted runs
        shutil.rmtree(leftover, ignore_errors=True)
    draft = folder.with_name(f".{folder.name}")
    draft.mkdir()
    try:
        _write_checked(draft, plan)
        draft.rename(folder)
    except ExportRefusedError as refusal:
        with suppress(OSError):
            folder.mkdir()
            (folder / REFUSED).write_text(str(refusal), "utf-8")
        raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _write_checked(draft: Path, plan: Plan) -> None:
    try:
        plan.write(draft)
    except (ExportRefusedError, OSError):
        raise
    except Exception as error:  # the errors of torch, ONNX and its run time share no base class
        raise ExportRefusedError(
            f"the model {plan.name!r} runs as it is, which is slower: it cannot be exported ({error})"
        ) from error
