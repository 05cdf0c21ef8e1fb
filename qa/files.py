"""Files: opened only inside a folder, stamped, locked and replaced, each written once.

``open_inside`` walks a path name by name from a descriptor of the folder, and no step follows a link by
itself: no path and no link leads outside, even if something is swapped meanwhile. ``open_regular`` is for
paths that the user configured: it follows links anywhere.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import IO

from qa.errors import MissingFileError, ReadError

Stamp = tuple[int, ...]

# O_PATH: passing through a folder takes no right to list it.
_PASS = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY
# O_NONBLOCK: opening a FIFO must not wait for a writer. O_NOCTTY: a terminal must not become ours.
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY
CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL
"""Flags to create a file that is not there yet."""

_MOST_LINKS = 40
"""The number of links followed for one path: Linux's own limit."""

_LONGEST = 4096
"""The longest path, in bytes: Linux's own limit. Each name in it costs a step."""

_OUTSIDE = "is a link to a place outside the documents folder"


def open_inside(root: Path, path: str) -> BufferedReader:
    """Open a regular file inside a folder. Links are followed as long as they stay inside.

    Args:
        root: the folder, which may itself be a link.
        path: the file's path, relative to the folder.

    Raises:
        MissingFileError: there is no such file.
        ReadError: it is not a regular file inside the folder, or cannot be opened.
    """
    try:
        return os.fdopen(_open(root, names_of(path)), "rb")
    except FileNotFoundError as error:
        raise MissingFileError(f"cannot be opened: {error.strerror}") from error
    except (OSError, ValueError) as error:
        raise ReadError(f"cannot be opened: {_reason(error)}") from error


@contextmanager
def list_inside(root: Path, path: str) -> Iterator[list[os.DirEntry[str]]]:
    """List a subfolder of a folder. The entries are valid within the block. No link is followed.

    Raises:
        OSError: the subfolder cannot be listed.
    """
    with folder_inside(root, path) as folder:
        listing = os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=folder)
    try:
        with os.scandir(listing) as entries:
            listed = list(entries)
        yield listed
    finally:
        os.close(listing)


@contextmanager
def folder_inside(root: Path, path: str) -> Iterator[int]:
    """Open a subfolder of a folder, to be passed as ``dir_fd``; an empty path is the folder itself.

    No link is followed, except the root itself.

    Raises:
        ReadError: the path is not one inside the folder.
        OSError: there is no such subfolder, or it is a link.
    """
    folder = _descend(root, names_of(path) if path else [])
    try:
        yield folder
    finally:
        os.close(folder)


def open_in(folder: int, name: str) -> BufferedReader:
    """Open a regular file in an open folder. No link is followed.

    Raises:
        ReadError: it is not a regular file.
        OSError: it cannot be opened.
    """
    return os.fdopen(_open_regular(name, folder), "rb")


def sync_folder(folder: int) -> None:
    """Flush an open folder's list of names to the disk. What only passes through it cannot."""
    listing = os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=folder)
    try:
        os.fsync(listing)
    finally:
        os.close(listing)


def open_regular(path: Path) -> BufferedReader:
    """Open a regular file anywhere, following links; nothing else that stands there makes this wait.

    Raises:
        ReadError: it is not a regular file.
        OSError: it cannot be opened.
    """
    file = open(path, "rb", opener=_without_waiting)  # noqa: SIM115 -- it is returned
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        return file
    file.close()
    raise ReadError("it is not a regular file")


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | _READ)


def stamp(status: os.stat_result) -> Stamp:
    """Return what changes whenever a file is changed or replaced.

    The time of change is part of it, for no program can set it back. Taking a stamp takes a tenth of the time
    of reading a small file.
    """
    return (
        status.st_dev, status.st_ino, status.st_mode, status.st_size, status.st_mtime_ns, status.st_ctime_ns,
    )  # fmt: skip


def stamp_of(path: Path) -> Stamp | None:
    """Return the stamp of the file at a path; None if there is none."""
    try:
        return stamp(path.stat())
    except OSError:
        return None


def sha256_of(path: Path) -> str:
    """Return a file's SHA-256 in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def lock(file: IO[bytes] | IO[str] | int, *, shared: bool = False, wait: bool = True) -> bool:
    """Lock an open file or folder against other processes until it is closed; return whether it is locked.

    The system releases the lock of a process that dies.

    Args:
        file: the file, or its descriptor.
        shared: let others hold shared locks at the same time.
        wait: wait for the lock; otherwise return False if another process holds it.

    Raises:
        OSError: the file system has no locks.
    """
    operation = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(file, operation if wait else operation | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def hold_folder(folder: Path) -> Iterator[None]:
    """Keep other processes that do the same from changing files of a folder at the same time.

    Raises:
        OSError: there is no such folder, or the file system has no locks.
    """
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        lock(opened)
        yield
    finally:
        os.close(opened)


def replace_file(path: Path, content: str, *, mode: int = 0o666) -> None:
    """Write a file, replacing any that is there, in one step that either happens or does not.

    Args:
        path: the file's path. A link is replaced, not followed.
        content: its text, written as UTF-8.
        mode: its permissions, less the umask.
    """
    replace_bytes(path, content.encode(), mode=mode)


def replace_bytes(path: Path, content: bytes, *, mode: int = 0o666) -> None:
    """Write a file of bytes as ``replace_file`` writes one of text."""
    draft = path.with_name(f".{path.name}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, CREATE, mode), "wb") as file:
        file.write(content)
    put_in_place(draft, path)


def put_in_place(draft: Path, path: Path) -> None:
    """Rename a finished file to a path in the same folder, as ``replace_file`` does: it survives a crash."""
    sync(draft)
    draft.replace(path)
    sync(path.parent)


def link_or_copy(source: Path, target: Path) -> None:
    """Give a file that is never changed in place a second path, or copy it to another file system."""
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copyfile(source, target)


def sync_tree(folder: Path) -> None:
    """Flush a folder and everything in it to the disk."""
    for path in [*folder.rglob("*"), folder]:
        sync(path)


def sync(path: Path) -> None:
    """Flush one file, or one folder's list of names, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def names_of(path: str) -> list[str]:
    """Split a path inside a folder into its names.

    Raises:
        ReadError: it leads nowhere inside.
        OSError: it is too long.
    """
    names = path.split("/")
    if {"", ".", ".."} & set(names):
        raise ReadError("is not a path in the documents folder")
    if len(os.fsencode(path)) > _LONGEST:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
    return names


def _open(root: Path, names: Sequence[str], links: int = 0) -> int:
    """Open the regular file that the names lead to from the root, after ``links`` followed links."""
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
    """Return the target of a link, or ``..``; None for any other file or folder."""
    if name == "..":
        return name
    try:
        return os.readlink(name, dir_fd=folder)
    except OSError as error:
        if error.errno == errno.EINVAL:  # not a link
            return None
        raise


def _open_target(root: Path, names: Sequence[str], links: int) -> int:
    """Open a link's target. A dangling link is not a missing file: somebody put it there."""
    try:
        return _open(root, names, links)
    except FileNotFoundError as error:
        raise ReadError(f"cannot be opened: {error.strerror}") from error


def _open_regular(name: str, folder: int) -> int:
    """Open a regular file. Anything else is not even opened: opening some devices has effects."""
    if stat.S_ISREG(os.lstat(name, dir_fd=folder).st_mode):
        file = os.open(name, _READ | os.O_NOFOLLOW, dir_fd=folder)
        if stat.S_ISREG(os.fstat(file).st_mode):  # it may be another by now
            return file
        os.close(file)
    raise ReadError("is not a regular file")


def _descend(root: Path, names: Sequence[str]) -> int:
    """Open the folder that the names lead to from the root."""
    folder = os.open(root, _PASS)
    for name in names:
        try:
            folder = _enter(folder, name)
        except OSError:
            os.close(folder)
            raise
    return folder


def _enter(folder: int, name: str) -> int:
    """Open a subfolder of an open folder, and close the outer one."""
    inner = os.open(name, _PASS | os.O_NOFOLLOW, dir_fd=folder)
    os.close(folder)
    return inner


def _below(root: Path, above: Sequence[str], target: str, rest: Sequence[str]) -> list[str]:
    """Return a link's target, with the rest of the path, as names below the root.

    Args:
        root: the folder.
        above: the names that lead from it to the link. They are folders, not links, so going up from them
            drops the last one.
        target: the link's target.
        rest: the names after the link.
    """
    real = Path(os.path.realpath(root)).parts
    parts = [] if target.startswith("/") else [*real[1:], *above]
    names = [name for name in (*target.split("/"), *rest) if name not in {"", "."}]
    while names and names[0] == "..":
        parts = parts[:-1]
        names = names[1:]
    parts += names
    for start in (real[1:], Path(os.path.abspath(root)).parts[1:]):  # noqa: PTH100 -- links are left as they are
        if tuple(parts[: len(start)]) == start:
            return parts[len(start) :]
    raise ReadError(_OUTSIDE)


def _reason(error: OSError | ValueError) -> str:
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)
