"""Forgetting a deleted file: every trace of it leaves the index, at once.

Until then it is in the live generation and the one before it, its vectors are in the cache and in what an
interrupted build left, its name is in the ledger, and what was recognised on its pages is kept.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Collection
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from qa.config import Settings
from qa.errors import BuildError, CorruptIndexError, NotFoundError, SettingsError
from qa.index import generation
from qa.index.store import Store
from qa.indexing import ledger, lock, retention, shards, vector_cache
from qa.indexing.folder import lies_in
from qa.readers import recognition_cache
from qa.stores import publication

_PATIENCE = 5.0
"""How long to wait for readers of an earlier generation, in seconds (chosen). A service moves on with its
next question; until then it reads on in the files it has open, although they have no names any more."""

_LOOK = 0.05  # seconds between two attempts to remove a generation
_ADVICE = "`qa status --files` lists every file"


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was forgotten.

    Attributes:
        paths: the files and folders named, as the ledger has them.
        files: the files of these names, or in these folders, that the index knew.
        generation: the live generation, which has nothing of them.
        rebuilt: whether it was built for that.
        removed: the earlier generations that were removed.
        still_open: those of them that another process has open, and reads until it moves on.
    """

    paths: tuple[str, ...]
    files: tuple[str, ...]
    generation: str
    rebuilt: bool
    removed: tuple[str, ...]
    still_open: tuple[str, ...]


def forget(
    settings: Settings,
    paths: Collection[str],
    rebuild: Callable[[Collection[str]], object],
    *,
    progress: bool = False,
) -> Forgotten:
    """Remove everything that the index holds of some deleted files, here and where it is published.

    Args:
        settings: where the index and the documents are.
        paths: files or folders, relative to the documents folder, as the ledger has them.
        rebuild: publishes a generation without these, which are not in the documents folder.
        progress: show progress bars on standard error.

    Raises:
        SettingsError: a path is not one in the documents folder.
        BuildError: one of the files still exists, or the live generation still holds something of it.
        IndexUnavailableError: there is no index, or it is damaged.
        NotFoundError: the index knows nothing of one of the paths.
        StoreUnavailableError: the Milvus of the settings does not answer; nothing more was removed here.
    """
    places = tuple(dict.fromkeys(_relative(settings.docs, path) for path in paths))
    known = _known(settings.index)
    for place in places:
        _check_gone(settings.docs, place)
        if not any(lies_in(path, [place]) for path in known):
            raise NotFoundError(f"the index has no file or folder {place}: {_ADVICE}")
    rebuilt = _holds(generation.current(settings.index), places)
    if rebuilt:
        rebuild(places)
    publication.publish(settings, progress=progress)
    publication.drop_earlier(settings)
    recognition_cache.remove(settings.cache)
    with lock.hold(settings.index):
        return _forget(settings.index, places, known, rebuilt=rebuilt)


def _forget(index: Path, places: Collection[str], known: set[str], *, rebuilt: bool) -> Forgotten:
    live = generation.current(index)
    if _holds(live, places):
        raise BuildError("the live generation still holds what is to be forgotten: run `qa forget` again")
    retention.remove_drafts(index)
    shards.remove(index)
    vector_cache.remove(index)
    earlier = [folder for folder in retention.earlier(index) if _holds(folder, places)]
    still_open = _remove(earlier)
    ledger.forget(index, lambda path: lies_in(path, places))
    return Forgotten(
        tuple(places),
        tuple(sorted(path for path in known if lies_in(path, places))),
        live.name,
        rebuilt,
        tuple(folder.name for folder in earlier),
        tuple(folder.name for folder in still_open),
    )


def _relative(docs: Path, named: str) -> str:
    """Return a path as the ledger has it."""
    path = PurePosixPath(named)
    if path.is_absolute():
        try:
            path = path.relative_to(docs.absolute())
        except ValueError:
            raise SettingsError(f"{named} is not in the documents folder {docs}") from None
    if not path.parts or ".." in path.parts:
        raise SettingsError(f"{named!r} is not the path of a file or a folder in {docs}: {_ADVICE}")
    return str(path)


def _check_gone(docs: Path, place: str) -> None:
    """Raise BuildError if a path still exists, or if that cannot be determined."""
    if not docs.is_dir():
        raise BuildError(f"the documents folder {docs} is not there: is it mounted?")
    try:
        os.lstat(docs / place)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise BuildError(
            f"cannot determine whether {docs / place} is still there: {error.strerror}"
        ) from error
    raise BuildError(f"{docs / place} is still there: delete it first, then run `qa forget` again")


def _known(index: Path) -> set[str]:
    """Return the paths of all files that anything in the folder of the index names."""
    folders = [*retention.earlier(index), generation.current(index)]
    try:
        listed = {entry.path for entry in ledger.entries(index)}
    except CorruptIndexError:
        listed = set()
    return listed.union(*map(_named, folders))


def _named(folder: Path) -> set[str]:
    """Return the paths that a generation names; none if it cannot be read."""
    try:
        with closing(Store(folder / generation.STORE)) as store:
            return store.named()
    except CorruptIndexError:
        return set()


def _holds(folder: Path, places: Collection[str]) -> bool:
    """Whether a generation holds something of these places, or cannot be read."""
    try:
        with closing(Store(folder / generation.STORE)) as store:
            return any(lies_in(path, places) for path in store.named())
    except CorruptIndexError:
        return True


def _remove(folders: Collection[Path]) -> list[Path]:
    """Remove generations; return those that other processes had open and did not close in time."""
    deadline = time.monotonic() + _PATIENCE
    left = [folder for folder in folders if not generation.remove_unless_read(folder)]
    while left and time.monotonic() < deadline:
        time.sleep(_LOOK)
        left = [folder for folder in left if not generation.remove_unless_read(folder)]
    for folder in left:
        shutil.rmtree(folder)
    return left
