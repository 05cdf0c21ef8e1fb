"""Small files of a generation in a Milvus, and their copies in a folder of this machine."""

from __future__ import annotations

import hashlib
import json
import shutil
from base64 import b64decode, b64encode
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import mkdtemp

from qa.errors import CorruptIndexError
from qa.files import link_or_copy, sha256_of
from qa.stores.milvus.client import Client
from qa.stores.milvus.packing import WIDTH
from qa.stores.milvus.schema import DIRECTORY, FORMAT, PARTS, Layout, collection

FACTS = "facts.json"
CACHED = "milvus"
"""The folder for copies, in the settings' cache."""

_PART_BYTES = WIDTH // 4 * 3  # base64 makes four letters of three bytes
_COPIES_KEPT = 3  # generations: a process may still read the one or two before (chosen)
_PARTS_PER_QUERY = 50  # some 3 MB (chosen)


@dataclass(frozen=True, slots=True)
class Asset:
    """A file: the first of its parts, how many there are, and the size and SHA-256 of the whole."""

    part: int
    parts: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Directory:
    """Which files are in which of a generation's parts, and the layout of its collections."""

    layout: Layout
    assets: Mapping[str, Asset]

    def write(self) -> str:
        """Return the directory as text, for ``read``."""
        return json.dumps({"format": FORMAT} | asdict(self))

    @classmethod
    def read(cls, client: Client, generation: str) -> Directory:
        """Read a generation's directory.

        Raises:
            CorruptIndexError: its format is not one that this version reads.
        """
        row = client.rows(collection(generation, PARTS), [DIRECTORY], ["data"])[DIRECTORY]
        content = json.loads(row["data"])
        if content["format"] != FORMAT:
            message = f"generation {generation} in the store has format {content['format']}, not {FORMAT}"
            raise CorruptIndexError(f"{message}: run `qa index`")
        assets = {name: Asset(**asset) for name, asset in content["assets"].items()}
        return cls(Layout(**content["layout"]), assets)


def describe(content: bytes, part: int) -> Asset:
    """Describe a file whose first part gets this number."""
    return Asset(part, -(-len(content) // _PART_BYTES), len(content), hashlib.sha256(content).hexdigest())


def cut(content: bytes, number: int) -> str:
    """Return a part of a file as text, by its place in the file."""
    return b64encode(content[number * _PART_BYTES : (number + 1) * _PART_BYTES]).decode("ascii")


def fetch(client: Client, generation: str, directory: Directory, cache: Path) -> Path:
    """Copy a generation's files into a folder of the cache, unless they are there; return the folder.

    A file that the copy of another generation has, such as the encoder's, is linked.

    Raises:
        CorruptIndexError: a file is not what was uploaded.
    """
    folder = cache / generation
    if not folder.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        draft = Path(mkdtemp(prefix=".", dir=cache))
        try:
            for name, asset in directory.assets.items():
                (draft / name).parent.mkdir(parents=True, exist_ok=True)
                if not _link_earlier(cache, name, asset, draft / name):
                    _copy(client, generation, asset, draft / name)
            if not folder.is_dir():  # another process may have copied them first
                draft.rename(folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        _clean(cache)
    for name, asset in directory.assets.items():
        if sha256_of(folder / name) != asset.sha256:
            raise CorruptIndexError(f"{folder / name} is not what the store holds: remove {folder}")
    return folder


def _link_earlier(cache: Path, name: str, asset: Asset, target: Path) -> bool:
    """Link a file that the copy of another generation has, byte for byte; return whether one has it."""
    for path in (folder / name for folder in _copies(cache)):
        with suppress(OSError):  # another process may remove it
            if path.stat().st_size == asset.bytes and sha256_of(path) == asset.sha256:
                link_or_copy(path, target)
                return True
    return False


def _copies(cache: Path) -> list[Path]:
    """Return the folders of whole copies, the oldest first."""
    return sorted(path for path in cache.iterdir() if not path.name.startswith("."))


def _copy(client: Client, generation: str, asset: Asset, path: Path) -> None:
    with path.open("wb") as file:
        for first in range(asset.part, asset.part + asset.parts, _PARTS_PER_QUERY):
            numbers = range(first, min(first + _PARTS_PER_QUERY, asset.part + asset.parts))
            rows = client.rows(collection(generation, PARTS), numbers, ["data"])
            file.writelines(b64decode(rows[number]["data"]) for number in numbers)


def remove_others(cache: Path, generation: str) -> None:
    """Remove the copies of all generations but one from the settings' cache."""
    for folder in (cache / CACHED).glob("*"):
        if folder.name != generation and not folder.name.startswith("."):
            shutil.rmtree(folder, ignore_errors=True)


def _clean(cache: Path) -> None:
    """Remove copies of old generations. A process that has their files open can still read them."""
    for folder in _copies(cache)[:-_COPIES_KEPT]:
        shutil.rmtree(folder, ignore_errors=True)
