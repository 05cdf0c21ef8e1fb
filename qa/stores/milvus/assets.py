"""Small files of a generation in a Milvus, and their copies in a folder of this machine."""

from __future__ import annotations

import hashlib
import json
import shutil
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import mkdtemp

from qa.errors import CorruptIndexError
from qa.index.generation import digest
from qa.stores.milvus.client import Client
from qa.stores.milvus.packing import WIDTH
from qa.stores.milvus.schema import DIRECTORY, FORMAT, PARTS, Layout, collection

FACTS = "facts.json"
CACHED = "milvus"
"""The folder for copies, in the settings' cache."""

_BYTES = WIDTH // 4 * 3
_KEPT = 3  # generations
_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Asset:
    """A file: the first of its parts, how many there are, and what they must give."""

    part: int
    parts: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Directory:
    """What is where in a generation's parts, and how its collections are made."""

    layout: Layout
    assets: Mapping[str, Asset]

    def write(self) -> str:
        """Put it as text."""
        return json.dumps({"format": FORMAT} | asdict(self))

    @classmethod
    def read(cls, client: Client, generation: str) -> Directory:
        """Read a generation's directory.

        Raises:
            CorruptIndexError: it is of a format that this version does not read.
        """
        row = client.rows(collection(generation, PARTS), [DIRECTORY], ["data"])[DIRECTORY]
        found = json.loads(row["data"])
        if found["format"] != FORMAT:
            message = f"generation {generation} in the store has format {found['format']}, not {FORMAT}"
            raise CorruptIndexError(f"{message}: run `qa index`")
        assets = {name: Asset(**asset) for name, asset in found["assets"].items()}
        return cls(Layout(**found["layout"]), assets)


def describe(content: bytes, part: int) -> Asset:
    """Tell of a file that will begin with this part."""
    return Asset(part, -(-len(content) // _BYTES), len(content), hashlib.sha256(content).hexdigest())


def cut(content: bytes, number: int) -> str:
    """Give one part of a file as text."""
    return b64encode(content[number * _BYTES : (number + 1) * _BYTES]).decode("ascii")


def fetch(client: Client, generation: str, directory: Directory, cache: Path) -> Path:
    """Copy a generation's files into a folder of the cache, unless they are there, and tell which.

    Raises:
        CorruptIndexError: a file is not what was put there.
    """
    folder = cache / generation
    if not folder.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        draft = Path(mkdtemp(prefix=".", dir=cache))
        try:
            for name, asset in directory.assets.items():
                _copy(client, generation, asset, draft / name)
            if not folder.is_dir():  # another process may have been faster
                draft.rename(folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        _clean(cache)
    for name, asset in directory.assets.items():
        if digest(folder / name) != asset.sha256:
            raise CorruptIndexError(f"{folder / name} is not what the store holds: remove {folder}")
    return folder


def _copy(client: Client, generation: str, asset: Asset, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        for first in range(asset.part, asset.part + asset.parts, _AT_ONCE):
            numbers = range(first, min(first + _AT_ONCE, asset.part + asset.parts))
            found = client.rows(collection(generation, PARTS), numbers, ["data"])
            file.writelines(b64decode(found[number]["data"]) for number in numbers)


def remove_others(cache: Path, generation: str) -> None:
    """Remove copies of all generations but one, out of the settings' cache."""
    for folder in (cache / CACHED).glob("*"):
        if folder.name != generation and not folder.name.startswith("."):
            shutil.rmtree(folder, ignore_errors=True)


def _clean(cache: Path) -> None:
    """Remove copies of old generations; who has a file of them open keeps it."""
    folders = sorted(path for path in cache.iterdir() if not path.name.startswith("."))
    for folder in folders[:-_KEPT]:
        shutil.rmtree(folder, ignore_errors=True)
