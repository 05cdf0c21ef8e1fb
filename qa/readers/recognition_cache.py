"""Recognised pages, kept by content: reading a file again does not recognise its pages again.

Each is a file named after a digest of the page's picture and of all that shapes its text. It holds the page's
text: only this user may read it, and `qa forget` removes all of them.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import zlib
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa.files import put_in_place
from qa.readers.recognised_words import Paragraph, RecognisedText
from qa.types import WordBox

if TYPE_CHECKING:
    from PIL.Image import Image

_FOLDER = "recognised"

_MOST_BYTES = 2**30
"""The size of the cache (chosen): a page takes about 10 KB."""

_MOST_PAGE_BYTES = 2**26
"""The most that an entry may unpack to: more than the text of any page."""


def key(image: Image, resolution: int, shaped_by: str) -> str:
    """Return the name under which a page's text is kept.

    Args:
        image: the page.
        resolution: its dots per inch.
        shaped_by: stands for everything else that shapes its text.
    """
    facts = json.dumps([image.mode, *image.size, resolution, shaped_by])
    digest = hashlib.sha256(facts.encode())
    digest.update(image.tobytes())
    return digest.hexdigest()


def load(cache: Path, name: str) -> RecognisedText | None:
    """Return what is kept under a name; None if nothing is, or it is damaged."""
    try:
        unpacked = zlib.decompressobj().decompress(_path(cache, name).read_bytes(), _MOST_PAGE_BYTES)
        return _text(**json.loads(unpacked))
    except (OSError, ValueError, TypeError, zlib.error):
        return None


def keep(cache: Path, name: str, text: RecognisedText) -> None:
    """Keep a page's text, unless the disk refuses: it can be recognised again."""
    path = _path(cache, name)
    draft = path.with_name(f".{name}.{os.getpid()}")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(zlib.compress(json.dumps(asdict(text), ensure_ascii=False).encode()))
        put_in_place(draft, path)


def trim(cache: Path, most_bytes: int = _MOST_BYTES) -> None:
    """Remove the pages that were recognised first, if all take more than so many bytes."""
    size = 0
    for path, status in sorted(_kept(cache), key=lambda entry: entry[1].st_mtime, reverse=True):
        size += status.st_size
        if size > most_bytes:
            path.unlink(missing_ok=True)


def remove(cache: Path) -> None:
    """Remove all of them."""
    if (cache / _FOLDER).exists():
        shutil.rmtree(cache / _FOLDER)


def _kept(cache: Path) -> list[tuple[Path, os.stat_result]]:
    found = []
    for path in (cache / _FOLDER).glob("*/*"):
        with suppress(FileNotFoundError):  # another process has removed it
            found.append((path, path.stat()))
    return found


def _path(cache: Path, name: str) -> Path:
    return cache / _FOLDER / name[:2] / name


def _text(paragraphs: list[dict[str, Any]], certainty: float) -> RecognisedText:
    """Return a text as ``keep`` has written it, or raise ValueError or TypeError."""
    text = RecognisedText(tuple(_paragraph(**paragraph) for paragraph in paragraphs), float(certainty))
    if not 0 <= text.certainty <= 1:
        raise ValueError
    return text


def _paragraph(text: str, words: list[list[float]]) -> Paragraph:
    boxes = tuple(WordBox(int(start), int(end), *box) for start, end, *box in words)
    if not isinstance(text, str) or not all(0 <= box.start <= box.end <= len(text) for box in boxes):
        raise ValueError
    return Paragraph(text, boxes)
