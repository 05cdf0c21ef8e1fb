"""Where generations are published, and which one is live there: this machine, or also a Milvus.

A build makes its generation live on this machine (``make_live``), and then where the settings say
(``publish``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from qa import files
from qa.config import Settings
from qa.index import calibration_file, generation
from qa.stores.protocol import Corpus


class Publications(Protocol):
    """A place where generations are published."""

    def stamps(self) -> Any:
        """Return, at little cost, what changes whenever ``live`` returns something else."""
        ...

    def live(self) -> tuple[str, bytes | None]:
        """Return the name of the live generation, and the calibration file as it is now.

        Raises:
            IndexUnavailableError: there is no live generation, or it or the calibration cannot be read.
        """
        ...

    def check(self, name: str, /) -> None:
        """Check a generation's digests, if opening it does not.

        Raises:
            CorruptIndexError: the generation is not what was written.
        """
        ...

    def open(self, name: str, /) -> Corpus:
        """Open a generation.

        Raises:
            IndexUnavailableError: it is damaged, or the store does not answer.
        """
        ...


class _LocalPublications:
    """The folder of an index."""

    def __init__(self, index: Path) -> None:
        self._index = index

    def stamps(self) -> Any:
        return [files.stamp_of(self._index / name) for name in (generation.POINTER, calibration_file.NAME)]

    def live(self) -> tuple[str, bytes | None]:
        return generation.current(self._index).name, calibration_file.read(self._index)

    def check(self, name: str) -> None:
        generation.check_files(self._index / generation.GENERATIONS / name)

    def open(self, name: str) -> Corpus:
        return generation.load(self._index / generation.GENERATIONS / name)


def publications(settings: Settings) -> Publications:
    """Return the place from which the settings have generations read."""
    if settings.is_local:
        return _LocalPublications(settings.index)
    from qa.stores.milvus.aliases import MilvusPublications  # most do without

    return MilvusPublications(settings.store, settings.cache)


def make_live(index: Path, draft: Path, name: str) -> Path:
    """Make a finished generation the live one on this machine, atomically; return its folder.

    ``CURRENT`` names the old generation or the new one at any instant, and after a crash.

    Args:
        index: the folder of the index.
        draft: the folder of the generation, complete and flushed to the disk, among the generations.
        name: the generation's name.
    """
    folder = draft.rename(draft.with_name(name))
    files.sync(index / generation.GENERATIONS)
    files.replace_file(index / generation.POINTER, f"{name}\n")
    return folder


def publish(settings: Settings, *, progress: bool = False) -> str | None:
    """Make the live generation of this machine live in the Milvus of the settings, if they name one.

    Args:
        settings: the settings of the index.
        progress: show progress bars on standard error.

    Returns:
        The address of the Milvus; None if the generation was live there before, or no Milvus is named.

    Raises:
        StoreUnavailableError: the Milvus does not answer; what was live there still is.
    """
    if settings.is_local:
        return None
    from qa.stores.milvus import upload

    live = generation.load(generation.current(settings.index))
    calibration = calibration_file.read(settings.index)
    uploaded = upload.publish(settings.store, live, calibration, progress=progress)
    return uploaded.address if uploaded.changed else None


def publish_calibration(settings: Settings) -> None:
    """Apply the calibration of this machine, or its absence, in the Milvus of the settings, if they name one.

    Raises:
        StoreUnavailableError: the Milvus does not answer.
    """
    if settings.is_local:
        return
    from qa.stores.milvus import upload

    upload.calibrate(settings.store, calibration_file.read(settings.index))


def drop_earlier(settings: Settings) -> None:
    """Drop all generations but the live one from the Milvus of the settings, if they name one.

    Raises:
        StoreUnavailableError: the Milvus does not answer.
    """
    if settings.is_local:
        return
    from qa.stores.milvus import upload

    upload.drop_earlier(settings.store, settings.cache)
