"""The files of a model's folder, which tell whether it is the same model."""

from __future__ import annotations

import json
from contextlib import suppress
from functools import cache
from pathlib import Path

from qa.files import Stamp, sha256_of, stamp


def digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file that shapes a model, by its path in the model's folder."""
    hashes = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not name.startswith(".") and not name.endswith(".md"):
            hashes[name] = digest_of(path)
    return hashes


def digest_of(path: Path) -> str:
    """Return a file's SHA-256 in hex. While the file stays as it is, a process reads it once.

    Raises:
        OSError: it cannot be read.
    """
    return _digest_of(path, stamp(path.stat()))


@cache
def _digest_of(path: Path, _stamp: Stamp) -> str:
    return sha256_of(path)


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
