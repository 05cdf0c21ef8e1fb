"""Drafts: files that are still being written, hidden beside their final places.

A draft gets its name in one step when it is complete. What is interrupted is removed, at the latest by
``sweep_drafts``.
"""

from __future__ import annotations

import errno
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Self

from qa.errors import ReadError
from qa.files import CREATE, folder_inside, list_inside, lock, names_of, open_in, sync_folder

DRAFT = ".qa-draft-"
"""With this begin the names of files that are still being written. They are no documents."""

_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
"""Errors of file systems on which a file can have one name only."""


def write_inside(root: Path, path: str, content: bytes) -> None:
    """Write a file inside a folder, in one step that either happens or does not. No link is followed.

    A file that is there is replaced; so is a link, not what it leads to. Until the last step the new file has
    another, hidden name.

    Args:
        root: the folder, which may itself be a link.
        path: the file's path, relative to the folder.
        content: its bytes.

    Raises:
        ReadError: the path is not one inside the folder.
        OSError: the file cannot be written.
    """
    *folders, name = names_of(path)
    with folder_inside(root, "/".join(folders)) as folder, Draft(folder) as draft:
        draft.file.write(content)
        draft.put(name, replace=True)


class Draft:
    """A new file in an open folder: hidden until ``put`` gives it its name, and removed if nothing does.

    While it is being written, it is locked. What ``sweep_drafts`` can lock, a process left when it died.
    """

    def __init__(self, folder: int) -> None:
        """Create it in a folder, which is given by its descriptor and stays open.

        Raises:
            OSError: it cannot be created.
        """
        self._folder, self._name = folder, f"{DRAFT}{secrets.token_hex(8)}"
        self.file = os.fdopen(os.open(self._name, CREATE, 0o666, dir_fd=folder), "wb")
        with suppress(OSError):  # some file systems have no locks
            lock(self.file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.discard()

    def put(self, name: str, *, replace: bool = False) -> None:
        """Flush it to the disk, and give it its name in one step. No link is followed.

        Args:
            name: its name in the folder, without a path.
            replace: whether a file or link of this name is replaced.

        Raises:
            FileExistsError: something has this name. The draft can still be put under another one.
            OSError: it cannot be written.
        """
        self.file.flush()
        os.fsync(self.file.fileno())
        if replace:
            os.replace(self._name, name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
        else:
            self._link(name)
        sync_folder(self._folder)

    def _link(self, name: str) -> None:
        try:
            os.link(self._name, name, src_dir_fd=self._folder, dst_dir_fd=self._folder, follow_symlinks=False)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            os.close(os.open(name, CREATE, 0o666, dir_fd=self._folder))  # nobody else can take the name now
            os.replace(self._name, name, src_dir_fd=self._folder, dst_dir_fd=self._folder)

    def discard(self) -> None:
        """Remove what is left of the draft under its own name."""
        with suppress(OSError):
            os.unlink(self._name, dir_fd=self._folder)
        with suppress(OSError):  # what was not written yet may find no room
            self.file.close()


def check_takes_files(folder: Path) -> None:
    """Make sure that new files can be written in a folder.

    Raises:
        OSError: they cannot, or there is no such folder.
    """
    with folder_inside(folder, "") as opened:
        Draft(opened).discard()


def is_draft(name: str) -> bool:
    """Whether this is the name of a file that is still being written."""
    return name.startswith(DRAFT)


def sweep_drafts(root: Path) -> int:
    """Remove the drafts in a folder that processes left when they died; return how many."""
    swept, unvisited = 0, [""]
    while unvisited:
        path = unvisited.pop()
        with suppress(OSError), list_inside(root, path) as entries, folder_inside(root, path) as folder:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    unvisited.append(f"{path}/{entry.name}".lstrip("/"))
                elif is_draft(entry.name):
                    swept += _sweep(folder, entry.name)
    return swept


def _sweep(folder: int, name: str) -> bool:
    """Remove a draft, unless a process is writing it."""
    with suppress(OSError, ReadError), open_in(folder, name) as file:
        if lock(file, wait=False):
            os.unlink(name, dir_fd=folder)
            return True
    return False
