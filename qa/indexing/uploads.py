"""Files that people send, taken into the documents folder.

A file arrives in a hidden draft beside its final place, and gets its name in one step when it is complete.
Nothing is overwritten unless that was asked for, and what is interrupted leaves nothing behind.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Literal, Self

from qa import drafts, files, readers
from qa.config import Settings
from qa.errors import (
    NameTakenError,
    NoSpaceError,
    NotFoundError,
    QAError,
    ReadError,
    SettingsError,
    TooLargeError,
    UnreadKindError,
    UploadError,
)

Outcome = Literal["added", "replaced", "identical"]
"""``identical``: the same file was there already."""

SPARE = 1 << 28
"""Bytes of the disk that uploads leave free. Chosen: 256 MiB, so that other programs can go on."""

_LONGEST_NAME = 240
"""In bytes of UTF-8. File systems allow 255, and a sidecar's name is longer than its file's."""

_MOST_SHOWN = 100
"""Characters of a name in a message."""

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_SEPARATOR = re.compile(r"[/\\]")
_JOINERS = frozenset("\u200c\u200d")
"""Invisible, but letters of Persian or Hindi need them."""

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
"""Categories of characters that cannot be seen, or that turn the direction of a name around."""


def check(settings: Settings) -> None:
    """Make sure that the documents folder takes files, and remove what dead processes left in it.

    Raises:
        SettingsError: it cannot be written.
    """
    try:
        drafts.check_takes_files(settings.docs)
    except OSError as error:
        reason = f"files cannot be uploaded to {settings.docs}: {error.strerror}"
        raise SettingsError(f"{reason}. Let the service write there, or leave out --upload.") from error
    drafts.sweep_drafts(settings.docs)


def file_name(sent: str) -> str:
    """Return the name under which a file is kept: the last part of the path that a client sent, in NFC.

    Raises:
        UploadError: it cannot be the name of a document.
    """
    name = _SEPARATOR.split(unicodedata.normalize("NFC", sent))[-1].strip()
    for is_flawed, reason in _FLAWS:
        if is_flawed(name):
            raise UploadError(f"{_shown(name) or 'A file'} {reason}")
    if not readers.supported(Path(name)):
        kinds = ", ".join(readers.SUFFIXES)
        raise UnreadKindError(f"{_shown(name)} {readers.NOT_READ}. These kinds can be read: {kinds}")
    return name


def _is_unseen(letter: str) -> bool:
    return unicodedata.category(letter) in _UNSEEN and letter not in _JOINERS


_FLAWS: tuple[tuple[Callable[[str], bool], str], ...] = (
    (lambda name: not name.strip("."), "has no name: give it one"),
    (lambda name: any(map(_is_unseen, name)), "has a name with characters that cannot be seen: rename it"),
    (lambda name: name.startswith("."), "has a name that begins with a dot, so it is not read: rename it"),
    (lambda name: ":" in name, "has a name with a colon, which some file systems do not take: rename it"),
    (
        lambda name: len(name.encode()) > _LONGEST_NAME,
        f"has a name of more than {_LONGEST_NAME} bytes: shorten it",
    ),
    (
        lambda name: readers.is_sidecar(Path(name)),
        "has the name of a sidecar: use --edit, or write it in the folder",
    ),
)
"""What may be wrong with a name, in the order in which it is looked for, and what a message says of it."""


def _shown(name: str) -> str:
    """Return a name as a message shows it: not too long, and without characters that do things."""
    shown = name if len(name) <= _MOST_SHOWN else f"{name[:_MOST_SHOWN]}…"
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape", "surrogatepass").decode()
        for letter in shown
    )


@contextmanager
def open_inbox(settings: Settings, path: str = "") -> Iterator[Inbox]:
    """Open a folder of the documents for files that arrive. What is not kept in the block is removed.

    Args:
        settings: the settings that hold: the documents folder, its limits, and what is not a document.
        path: a folder that is there, relative to the documents folder; by default, that itself.

    Raises:
        NotFoundError: there is no such folder, or no document in it would be read.
    """
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(files.folder_inside(settings.docs, path))
        except (OSError, ValueError, ReadError) as error:
            raise NotFoundError(f"There is no folder {_shown(path)!r} in the documents folder.") from error
        if any(name.startswith(".") for name in path.split("/")):
            raise NotFoundError(f"Nothing in the folder {_shown(path)!r} is read: a name begins with a dot.")
        yield stack.enter_context(Inbox(settings, path, folder))


class Inbox:
    """A folder in which the files of one request arrive, as ``open_inbox`` opens it.

    Attributes:
        arrivals: the files, in the order in which they came.
    """

    def __init__(self, settings: Settings, path: str, folder: int) -> None:
        self._path, self._folder = path, folder
        self._max_bytes = settings.max_file_mb << 20
        self._place = settings.docs.resolve() / path
        self._own = settings.own_paths()
        self.arrivals: list[Arrival] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for arrival in self.arrivals:
            arrival.discard()

    def check_space(self, size: int) -> None:
        """Raise NoSpaceError if the disk has no room for so many bytes."""
        _check_space(self._folder, size)

    def begin(self, sent: str) -> Arrival:
        """Take a file whose bytes follow. If it is refused, they are ignored."""
        arrival = Arrival(self._folder, self._path, self._max_bytes)
        self.arrivals.append(arrival)
        arrival.name = _shown(_SEPARATOR.split(sent)[-1])
        try:
            name = file_name(sent)
            place = self._place / name
            if self._own.intersection((place, *place.parents)):
                raise UploadError(f"{name} is the name of a file that the program itself writes: rename it")
            arrival.open(name)
        except QAError as error:
            arrival.error = error
        return arrival


class Arrival:
    """A file that arrives, written by ``write``.

    Attributes:
        name: its name in the folder; if it is refused, the name that was sent.
        size: the number of bytes that have come.
        error: why it is refused, if it is.
    """

    def __init__(self, folder: int, path: str, max_bytes: int) -> None:
        self._folder, self._path, self._max_bytes = folder, path, max_bytes
        self._digest = hashlib.sha256()
        self._draft: drafts.Draft | None = None
        self.name = ""
        self.size = 0
        self.error: QAError | None = None

    @property
    def path(self) -> str:
        """Its path in the documents folder."""
        return f"{self._path}/{self.name}".lstrip("/")

    @property
    def sha256(self) -> str:
        """The SHA-256 of its bytes, in hex."""
        return self._digest.hexdigest()

    def open(self, name: str) -> None:
        """Make room for the file under a name that it may have."""
        self.name = name
        try:
            self._draft = drafts.Draft(self._folder)
        except OSError as error:
            raise self._failure(error) from error

    def write(self, data: bytes) -> int:
        """Take some bytes. Once the file is refused, they are ignored."""
        self.size += len(data)
        if self._draft:
            try:
                self._write(self._draft, data)
            except QAError as error:
                self.error = error
                self.discard()
        return len(data)

    def seek(self, offset: int) -> int:
        """Do nothing: a parser of forms goes back to the beginning of a complete file."""
        return offset

    def _write(self, draft: drafts.Draft, data: bytes) -> None:
        if self.size > self._max_bytes:
            limit = f"{self._max_bytes >> 20} MiB, which is the limit (max_file_mb)"
            raise TooLargeError(f"{self.name} has more than {limit}: split it")
        _check_space(draft.file.fileno(), len(data))
        try:
            draft.file.write(data)
        except OSError as error:
            raise self._failure(error) from error
        self._digest.update(data)

    def keep(self, *, replace: bool = False) -> Outcome:
        """Give the file its name, once it is complete.

        Args:
            replace: whether it replaces another file of this name.

        Raises:
            QAError: it is refused.
        """
        if self.error or self._draft is None:
            raise self.error or UploadError(f"{self.name} did not arrive")
        try:
            return self._put(self._draft, replace=replace)
        except OSError as error:
            raise self._failure(error) from error
        finally:
            self.discard()

    def _put(self, draft: drafts.Draft, *, replace: bool) -> Outcome:
        try:
            draft.put(self.name)
        except FileExistsError:
            if self._is_there():
                return "identical"
            if not replace:
                raise NameTakenError(
                    f"{self.path} is there already, with other content: rename your file, or replace that one"
                ) from None
            if not stat.S_ISREG(os.lstat(self.name, dir_fd=self._folder).st_mode):
                raise NameTakenError(f"{self.path} is a folder or a link: rename your file") from None
            draft.put(self.name, replace=True)
            return "replaced"
        return "added"

    def _is_there(self) -> bool:
        """Whether the file that has its name is the same."""
        try:
            with files.open_in(self._folder, self.name) as file:
                if os.fstat(file.fileno()).st_size != self.size:
                    return False
                return hashlib.file_digest(file, "sha256").hexdigest() == self.sha256
        except (OSError, ReadError):
            return False

    def discard(self) -> None:
        """Remove what has arrived, unless it was kept."""
        if self._draft:
            self._draft.discard()
            self._draft = None

    def _failure(self, error: OSError) -> QAError:
        if error.errno in _FULL:
            return NoSpaceError(f"There is no room for {self.name}: make some on the disk of the documents")
        return QAError(f"{self.path} cannot be written: {error.strerror}")


def _check_space(descriptor: int, size: int) -> None:
    disk = os.fstatvfs(descriptor)
    if disk.f_bavail * disk.f_frsize - size < SPARE:
        raise NoSpaceError(
            f"The disk of the documents is too full: {SPARE >> 20} MiB of it stay free. Make some room."
        )
