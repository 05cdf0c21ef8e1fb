"""The manifest of a generation: what it says of itself, with the size and SHA-256 of each of its files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from qa.errors import CorruptIndexError
from qa.files import sha256_of

FORMAT = 7
"""The version of the format on disk, which ``index/README.md`` describes."""

MANIFEST = "manifest.json"
REBUILD = "run `qa index` to rebuild it"
"""What to do about a damaged index, for the ends of messages."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a generation says of itself.

    ``made_with`` holds whatever shapes the content beside the documents: if it differs, nothing of the
    generation can be reused. ``dimension`` is the length of a vector, ``vectors`` says how they are searched.
    ``files`` holds the size in bytes and the SHA-256 of each file. The file on disk also has ``sha256``, of
    all the rest.
    """

    format: int
    generation: str
    created: str
    model: str
    made_with: Mapping[str, Any]
    documents: int
    passages: int
    sentences: int
    dimension: int
    vectors: Mapping[str, Any]
    files: Mapping[str, Mapping[str, Any]]

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read the manifest in a generation's folder.

        Raises:
            CorruptIndexError: it is missing, damaged, or of a format that this version does not read.
        """
        path = folder / MANIFEST
        try:
            content = json.loads(path.read_bytes())
            if content["format"] != FORMAT:
                message = (
                    f"{path} has format {content['format']!r}, this version reads format {FORMAT}: {REBUILD}"
                )
                raise CorruptIndexError(message)
            if content.pop("sha256", None) != seal(content):
                raise CorruptIndexError(f"{path} is not what was written: {REBUILD}")
            return cls(**content)
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise CorruptIndexError(f"{path} cannot be read ({error}): {REBUILD}") from error

    def write(self, folder: Path) -> None:
        """Write the manifest into a generation's folder."""
        content = asdict(self)
        sealed = json.dumps(content | {"sha256": seal(content)}, indent=1, ensure_ascii=False)
        (folder / MANIFEST).write_text(sealed + "\n", "utf-8")

    def check_sizes(self, folder: Path) -> None:
        """Check that a folder holds exactly these files, each of its size.

        Raises:
            CorruptIndexError: a file is missing, surplus or of another size.
        """
        for name in sorted({*_files(folder), *self.files}):
            path = folder / name
            if name not in self.files:
                raise CorruptIndexError(f"{path} does not belong there: remove it, or {REBUILD}")
            if not path.is_file():
                raise CorruptIndexError(f"{path} is missing: {REBUILD}")
            expected = self.files[name]["bytes"]
            if path.stat().st_size != expected:
                raise CorruptIndexError(
                    f"{path} has {path.stat().st_size} bytes where {expected} were written: {REBUILD}"
                )

    def check_digests(self, folder: Path) -> None:
        """Check the SHA-256 of every file.

        Raises:
            CorruptIndexError: a file is damaged; the message names the first.
        """
        for name, digest in _digests(folder, self.files).items():
            if digest != self.files[name]["sha256"]:
                raise CorruptIndexError(f"{folder / name} is not what was written: {REBUILD}")


def describe_files(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the size and SHA-256 of every file in a generation's folder, except its manifest."""
    return {
        name: {"bytes": (folder / name).stat().st_size, "sha256": digest}
        for name, digest in _digests(folder, _files(folder)).items()
    }


def seal(content: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the content of a JSON file, in hex."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _digests(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Return each file's SHA-256. Several are read at once, as hashing takes as long as reading."""
    listed = list(names)
    with ThreadPoolExecutor() as threads:
        digests = threads.map(lambda name: sha256_of(folder / name), listed)
        return dict(zip(listed, digests, strict=True))


def _files(folder: Path) -> list[str]:
    paths = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())
    return sorted(path for path in paths if path != MANIFEST)
