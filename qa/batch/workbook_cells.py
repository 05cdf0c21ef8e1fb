"""The cells of a workbook's first sheet, read by a process of its own.

The reader makes room for every cell up to the last. One stray cell far away can take all memory there is, or
all time, which ends the process.
"""

from __future__ import annotations

import io
import os
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any

from qa.errors import ReadError
from qa.readers.archives import open_zip
from qa.readers.sandbox.resource_limits import WALL_TIME_FACTOR, restrict_process, set_time_limit
from qa.readers.spreadsheets import MAX_CELLS

_MEMORY = 2 * 2**30
"""Bytes that the process may take. Chosen: ``MAX_CELLS`` cells fit."""


_SECONDS = 60
"""Processor time that it may take. Chosen: it reads ``MAX_CELLS`` cells in a few seconds."""


def read_cells(data: bytes, max_cells: int = MAX_CELLS) -> list[list[Any]]:
    """Return the rows of the first sheet of a workbook, without those that are empty.

    Raises:
        ReadError: it is damaged or encrypted, or has too many cells.
    """
    open_zip(data, "an XLSX").close()
    with ProcessPoolExecutor(1, get_context("spawn"), _restrict) as pool:
        try:
            return pool.submit(_read, data, max_cells).result()
        except BrokenProcessPool:
            raise ReadError(
                "takes too much memory or time: remove what stands far below or beside the questions"
            ) from None


def check_cells(cells: int, max_cells: int) -> None:
    """Raise ReadError if a sheet has too many cells."""
    if cells > max_cells:
        raise ReadError(
            f"has more than {max_cells:,} cells: remove what stands far below or beside the questions"
        )


def _restrict() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # it would say there how it ended
    restrict_process(_MEMORY)
    set_time_limit(_SECONDS, WALL_TIME_FACTOR * _SECONDS)


def _read(data: bytes, max_cells: int) -> list[list[Any]]:
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError

    try:
        sheet = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0)
    except PasswordError:
        raise ReadError("cannot be read: it is encrypted") from None
    except CalamineError as error:
        raise ReadError(f"is not an XLSX that can be opened: {error}") from None
    check_cells(sheet.height * sheet.width, max_cells)
    return [row for row in sheet.to_python() if any(cell not in ("", None) for cell in row)]
