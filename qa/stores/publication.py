"""Where generations are published, and which one is live there."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from qa.config import Settings
from qa.index import calibration_file, generation
from qa.stores.protocol import Corpus


class Publications(Protocol):
    """Where generations are published."""

    def stamps(self) -> Any:
        """Give what changes whenever ``live`` gives something else, at little cost."""
        ...

    def live(self) -> tuple[str, bytes | None]:
        """Name the live generation, and give the calibration as it stands.

        Raises:
            IndexUnavailableError: there is none, or it or the calibration cannot be read.
        """
        ...

    def check(self, name: str, /) -> None:
        """Hold a generation against its checksums, where opening it does not.

        Raises:
            CorruptIndexError: it is not what was written.
        """
        ...

    def open(self, name: str, /) -> Corpus:
        """Open a generation.

        Raises:
            IndexUnavailableError: it is damaged, or what keeps it does not answer.
        """
        ...


class _LocalPublications:
    """The folder of an index."""

    def __init__(self, index: Path) -> None:
        self._index = index

    def stamps(self) -> Any:
        return [_stamp(self._index / name) for name in (generation.POINTER, calibration_file.NAME)]

    def live(self) -> tuple[str, bytes | None]:
        return generation.current(self._index).name, calibration_file.read(self._index)

    def check(self, name: str) -> None:
        generation.check_files(self._index / generation.GENERATIONS / name)

    def open(self, name: str) -> Corpus:
        return generation.load(self._index / generation.GENERATIONS / name)


def publications(settings: Settings) -> Publications:
    """Find where the settings have generations published."""
    if settings.is_local:
        return _LocalPublications(settings.index)
    from qa.stores.milvus.aliases import MilvusPublications  # most do without

    return MilvusPublications(settings.store, settings.cache)


def _stamp(path: Path) -> tuple[int, ...] | None:
    """Give what changes when a file is replaced, which takes a tenth of the time that it takes to read it."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
