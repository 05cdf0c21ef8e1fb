"""Opening only inside a folder: no path and no link leads out of it, whatever is swapped meanwhile.

Paths are walked name by name from a descriptor of the folder, and no step follows a link by itself: what was
looked at is what is opened.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

from qa.errors import MissingFileError, ReadError

# O_PATH: to pass through a folder takes no right to list it.
_PASS = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY
# O_NONBLOCK: to open a FIFO must not wait for a writer. O_NOCTTY: a terminal must not become ours.
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY

_MOST_LINKS = 40
"""How many links of one path are followed: as many as Linux follows."""

_LONGEST = 4096
"""How many bytes a path may have, as Linux allows: every name of it is a step."""

_OUTSIDE = "is a link to a place outside of the documents folder"


def open_inside(root: Path, path: str) -> BufferedReader:
    """Open a regular file in a folder. Links are followed as long as they stay in the folder.

    Args:
        root: the folder, which may itself be a link.
        path: of the file, relative to the folder.

    Raises:
        MissingFileError: there is no such file.
        ReadError: it is not a regular file inside the folder, or cannot be opened.
    """
    try:
        return os.fdopen(_open(root, _names(path)), "rb")
    except FileNotFoundError as error:
        raise MissingFileError(f"cannot be opened: {error.strerror}") from error
    except (OSError, ValueError) as error:
        raise ReadError(f"cannot be opened: {_reason(error)}") from error


@contextmanager
def listed_inside(root: Path, path: str) -> Iterator[list[os.DirEntry[str]]]:
    """Give what is in a folder's folder, to be looked at within the block. No link is followed.

    Raises:
        OSError: it cannot be listed.
    """
    folder = _descend(root, _names(path) if path else [])
    try:
        listing = os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=folder)
    finally:
        os.close(folder)
    try:
        with os.scandir(listing) as entries:
            found = list(entries)
        yield found
    finally:
        os.close(listing)


def _names(path: str) -> list[str]:
    """Divide a path into its names."""
    names = path.split("/")
    if {"", ".", ".."} & set(names):
        raise ReadError("is not a path in the documents folder")
    if len(os.fsencode(path)) > _LONGEST:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
    return names


def _open(root: Path, names: Sequence[str], links: int = 0) -> int:
    """Open the regular file to which names lead from the root, after so many links."""
    if links > _MOST_LINKS:
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    folder = os.open(root, _PASS)
    try:
        for i, name in enumerate(names):
            if (target := _target(name, folder)) is not None:
                return _open_target(root, _below(root, names[:i], target, names[i + 1 :]), links + 1)
            if i == len(names) - 1:
                return _open_regular(name, folder)
            folder = _enter(folder, name)
    finally:
        os.close(folder)
    raise ReadError("is not a regular file")


def _target(name: str, folder: int) -> str | None:
    """Return what a name stands for that is no file or folder itself: a link's target, or ``..``."""
    if name == "..":
        return name
    try:
        return os.readlink(name, dir_fd=folder)
    except OSError as error:
        if error.errno == errno.EINVAL:  # it is no link
            return None
        raise


def _open_target(root: Path, names: Sequence[str], links: int) -> int:
    """Open what a link leads to. A link to nothing is not a missing file: somebody put it there."""
    try:
        return _open(root, names, links)
    except FileNotFoundError as error:
        raise ReadError(f"cannot be opened: {error.strerror}") from error


def _open_regular(name: str, folder: int) -> int:
    """Open a regular file. Others are not even opened, which would do something to some devices."""
    if stat.S_ISREG(os.lstat(name, dir_fd=folder).st_mode):
        file = os.open(name, _READ, dir_fd=folder)
        if stat.S_ISREG(os.fstat(file).st_mode):  # it may be another by now
            return file
        os.close(file)
    raise ReadError("is not a regular file")


def _descend(root: Path, names: Sequence[str]) -> int:
    """Open the folder to which names lead from the root."""
    folder = os.open(root, _PASS)
    for name in names:
        try:
            folder = _enter(folder, name)
        except OSError:
            os.close(folder)
            raise
    return folder


def _enter(folder: int, name: str) -> int:
    """Go from an open folder into one of its own, and let go of the first."""
    inner = os.open(name, _PASS | os.O_NOFOLLOW, dir_fd=folder)
    os.close(folder)
    return inner


def _below(root: Path, above: Sequence[str], target: str, rest: Sequence[str]) -> list[str]:
    """Put a link's target, and what follows it in a path, as names below the root.

    Args:
        root: the folder.
        above: the names that lead from it to the link. They are folders and no links, so that to go up from
            them is to drop the last.
        target: of the link.
        rest: the names after the link.
    """
    real = Path(os.path.realpath(root)).parts
    way = [] if target.startswith("/") else [*real[1:], *above]
    names = [name for name in (*target.split("/"), *rest) if name not in {"", "."}]
    while names and names[0] == "..":
        way = way[:-1]
        names = names[1:]
    way += names
    for start in (real[1:], Path(os.path.abspath(root)).parts[1:]):  # noqa: PTH100 -- links are left as they are
        if tuple(way[: len(start)]) == start:
            return way[len(start) :]
    raise ReadError(_OUTSIDE)


def _reason(error: OSError | ValueError) -> str:
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)
