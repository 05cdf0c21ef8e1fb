"""Forgetting a file that was deleted: every trace of it leaves the folder of the index, at once.

It is in the live generation until the next build, in the one before it, by its vectors in the cache, in what
an interrupted build left, and by its name in the ledger.
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

_PATIENCE = 5.0
"""How long those who still read an earlier generation are waited for, in seconds. A service moves on with its
next question; what it has open it goes on reading, though it has no name any more."""

_LOOK = 0.05
_ADVICE = "`qa status --files` lists what it knows"


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was done.

    Attributes:
        paths: what was named, as the ledger has it.
        files: the files of these names, or in these folders, that the index knew.
        generation: the live one, which has nothing of them.
        rebuilt: whether it was made for that.
        removed: the earlier generations that are gone.
        still_open: those of them that another process had open, and reads until it moves on.
    """

    paths: tuple[str, ...]
    files: tuple[str, ...]
    generation: str
    rebuilt: bool
    removed: tuple[str, ...]
    still_open: tuple[str, ...]


def forget(
    settings: Settings,
    given: Collection[str],
    rebuild: Callable[[Collection[str]], object],
    forget_elsewhere: Callable[[], object] = lambda: None,
) -> Forgotten:
    """Remove all that the folder of the index holds of some files.

    Args:
        settings: where the index and the documents are.
        given: files or folders, relative to the documents folder, as the ledger has them.
        rebuild: publishes a generation without these, which are not in the documents folder.
        forget_elsewhere: drops all generations but the live one from wherever else they are published.

    Raises:
        SettingsError: a path that is not one in the documents folder.
        BuildError: one of them is still there, or the live generation still holds something of it.
        IndexUnavailableError: there is no index, or it is damaged.
        NotFoundError: the index knows nothing of one of them.
    """
    places = tuple(dict.fromkeys(_relative(settings.docs, path) for path in given))
    known = _known(settings.index)
    for place in places:
        _check_gone(settings.docs, place)
        if not any(lies_in(path, [place]) for path in known):
            raise NotFoundError(f"the index knows no file and no folder {place}: {_ADVICE}")
    rebuilt = _held(generation.current(settings.index), places)
    if rebuilt:
        rebuild(places)
    forget_elsewhere()
    with lock.hold(settings.index):
        return _forget(settings.index, places, known, rebuilt=rebuilt)


def _forget(index: Path, places: Collection[str], known: set[str], *, rebuilt: bool) -> Forgotten:
    live = generation.current(index)
    if _held(live, places):
        raise BuildError("the live generation still holds what is to be forgotten: run `qa forget` again")
    retention.remove_drafts(index)
    shards.remove(index)
    vector_cache.remove(index)
    earlier = [folder for folder in retention.earlier(index) if _held(folder, places)]
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


def _relative(docs: Path, given: str) -> str:
    """Give a path as the ledger has it."""
    path = PurePosixPath(given)
    if path.is_absolute():
        try:
            path = path.relative_to(docs.absolute())
        except ValueError:
            raise SettingsError(f"{given} is not in the documents folder {docs}") from None
    if not path.parts or ".." in path.parts:
        raise SettingsError(f"{given!r} is not the path of a file or a folder in {docs}: {_ADVICE}")
    return str(path)


def _check_gone(docs: Path, place: str) -> None:
    """See to it that a path is not there, or BuildError is raised: also where that cannot be told."""
    if not docs.is_dir():
        raise BuildError(f"the documents folder {docs} is not there: is it mounted?")
    try:
        os.lstat(docs / place)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise BuildError(f"whether {docs / place} is still there cannot be told: {error.strerror}") from error
    raise BuildError(f"{docs / place} is still there: delete it first, then run `qa forget` again")


def _known(index: Path) -> set[str]:
    """Give the paths of all files that anything in the folder of the index tells of."""
    folders = [*retention.earlier(index), generation.current(index)]
    try:
        listed = {entry.path for entry in ledger.entries(index)}
    except CorruptIndexError:
        listed = set()
    return listed.union(*map(_named, folders))


def _named(folder: Path) -> set[str]:
    """Give the paths that a generation tells of; none where it cannot be read."""
    try:
        with closing(Store(folder / generation.STORE)) as store:
            return store.named()
    except CorruptIndexError:
        return set()


def _held(folder: Path, places: Collection[str]) -> bool:
    """Whether a generation holds something of these; also where that cannot be told."""
    try:
        with closing(Store(folder / generation.STORE)) as store:
            return any(lies_in(path, places) for path in store.named())
    except CorruptIndexError:
        return True


def _remove(folders: Collection[Path]) -> list[Path]:
    """Remove generations, and give those that others had open and did not close in time."""
    ends = time.monotonic() + _PATIENCE
    left = [folder for folder in folders if not generation.remove_unless_read(folder)]
    while left and time.monotonic() < ends:
        time.sleep(_LOOK)
        left = [folder for folder in left if not generation.remove_unless_read(folder)]
    for folder in left:
        shutil.rmtree(folder)
    return left
