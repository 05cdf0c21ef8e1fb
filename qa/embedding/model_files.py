"""The files of a model's folder, which tell whether it is the same model."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from qa.config import Settings
from qa.files import replace_file, sha256_of, stamp, stamp_of

_KEPT = "digests.json"

_LARGE = 1 << 20
"""Smaller files are read as soon as their digests are looked up. Chosen."""

_SETTLED_SECONDS = 2.0
"""A file that was changed later may change once more without another stamp: some clocks have coarse ticks."""


def digests(folder: Path, cache: Path | None = None) -> dict[str, str]:
    """Return the SHA-256 of each file that shapes a model, by its path in the model's folder.

    Args:
        folder: the model's folder.
        cache: where digests are kept; the folder of the settings if None.
    """
    hashes = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not name.startswith(".") and not name.endswith(".md"):
            hashes[name] = digest_of(path, cache)
    return hashes


def digest_of(path: Path, cache: Path | None = None) -> str:
    """Return a file's SHA-256 in hex. A large file is read once: its digest is kept until its stamp changes.

    Args:
        path: the file.
        cache: where digests are kept; the folder of the settings if None.

    Raises:
        OSError: it cannot be read.
    """
    notes = (Settings().cache if cache is None else cache) / _KEPT
    status = path.stat()
    place, seen = str(path.resolve()), list(stamp(status))
    kept = _kept(notes)
    if place in kept and kept[place][0] == seen:
        return kept[place][1]
    digest = sha256_of(path)
    if status.st_size >= _LARGE and time.time() - status.st_ctime >= _SETTLED_SECONDS:
        kept[place] = seen, digest
        with suppress(OSError):  # it is only read again next time
            replace_file(notes, json.dumps(dict(kept)))  # another thread may add to it
    return digest


@lru_cache
def _kept(path: Path) -> dict[str, tuple[list[int], str]]:
    """Return what is kept of files that are as they were, by their path: stamp and digest."""
    try:
        return {
            place: (seen, digest)
            for place, (seen, digest) in json.loads(path.read_bytes()).items()
            if isinstance(digest, str) and seen == list(stamp_of(Path(place)) or ())
        }
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):  # there is none, or damaged
        return {}


def size_of(folder: Path) -> int:
    """Return the size of a model's files, in bytes."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def table_size_of(folder: Path) -> int:
    """Return the size of a model's word embeddings in full precision, in bytes; 0 if that is not known."""
    for path in folder.rglob("config.json"):
        with suppress(OSError, ValueError, TypeError, KeyError):  # another module's, or damaged
            facts = json.loads(path.read_bytes())
            return min(size_of(folder), 4 * int(facts["vocab_size"]) * int(facts["hidden_size"]))
    return 0
