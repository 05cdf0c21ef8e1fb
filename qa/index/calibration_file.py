"""The calibration of an index: one sealed file beside its generations, replaced in one step."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from qa.errors import CorruptIndexError
from qa.files import replace_file
from qa.index import generation
from qa.index.manifest import Manifest, seal

NAME = "calibration.json"
_SIZE = "indexed_passages"
_ADVICE = "run `qa calibrate` to recreate it, or `qa calibrate --reset` to remove it"


def write(index: Path, content: dict[str, Any]) -> Path:
    """Replace the calibration of an index, and return its path.

    The file also keeps how many passages the generation has that ``content`` names, if that is there.
    """
    content = content | _size(index, content.get("generation"))
    sealed = json.dumps(content | {"sha256": seal(content)}, indent=1, ensure_ascii=False)
    replace_file(index / NAME, sealed + "\n")
    return index / NAME


def remove(index: Path) -> bool:
    """Remove the calibration; return whether there was one."""
    existed = (index / NAME).exists()
    (index / NAME).unlink(missing_ok=True)
    return existed


def read(index: Path) -> bytes | None:
    """Return the bytes of the file; None if there is no calibration.

    Raises:
        CorruptIndexError: the file cannot be read.
    """
    try:
        return (index / NAME).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unreadable(index, error) from error


def parse(data: bytes, index: Path) -> dict[str, Any]:
    """Return what ``write`` was given.

    Raises:
        CorruptIndexError: the bytes are not what was written.
    """
    try:
        content: dict[str, Any] = json.loads(data)
        if content.pop("sha256", None) == seal(content):
            content.pop(_SIZE, None)
            return content
    except (ValueError, TypeError, AttributeError) as error:
        raise unreadable(index, error) from error
    raise CorruptIndexError(f"{index / NAME} is not what was written: {_ADVICE}")


def indexed_passages(data: bytes, index: Path) -> int | None:
    """Return how many passages the index had when its calibration was measured; None if that is not known.

    Raises:
        CorruptIndexError: the bytes are not what was written.
    """
    parse(data, index)
    size = json.loads(data).get(_SIZE)
    return size if isinstance(size, int) else None


def _size(index: Path, name: Any) -> dict[str, int]:
    try:
        return {_SIZE: Manifest.read(index / generation.GENERATIONS / str(name)).passages}
    except CorruptIndexError:
        return {}


def unreadable(index: Path, error: Exception) -> CorruptIndexError:
    """Return the error that says why the file cannot be used, and what to do."""
    return CorruptIndexError(f"{index / NAME} cannot be read ({error}): {_ADVICE}")
