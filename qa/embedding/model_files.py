"""The files of a model's folder, which tell whether it is the same model."""

from __future__ import annotations

from pathlib import Path

from qa.files import sha256_of


def digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file that shapes a model, by its path in the model's folder."""
    hashes = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not name.startswith(".") and not name.endswith(".md"):
            hashes[name] = sha256_of(path)
    return hashes
