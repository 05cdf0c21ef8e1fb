"""Files inside files, such as attachments: their names, and limits on how many there are and how large."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from qa.errors import ReadError
from qa.readers.archives import MAX_UNPACKED_BYTES
from qa.readers.extract import Member, printable
from qa.readers.size_limits import MAX_KEY_LENGTH, MAX_MEMBER_LENGTH, message_line
from qa.types import ReadFailure

MAX_DEPTH = 5
"""Files inside each other: a report in a letter in a mailbox in an archive makes three."""

MAX_MEMBERS = 200_000
"""Members of a file, at all depths. Chosen: their names take some 50 MB."""

_MAX_NAME = 255
"""Characters of one part of a path: what file systems allow."""

_MAX_SUFFIX = 12
"""Characters of a suffix that is kept when a name is cut: more than any kind of file has."""


class TooMuchInsideError(ReadError):
    """The file holds more than is read of one file. What was read before is kept."""


@dataclass(slots=True)
class Allowance:
    """How much more may be read of the files inside one file: of their bytes, their text, and how many."""

    bytes: int
    characters: int
    members: int = MAX_MEMBERS

    def take(self, *, bytes_: int = 0, characters: int = 0, members: int = 0) -> None:
        """Use up some of it.

        Raises:
            TooMuchInsideError: not that much is left.
        """
        self.bytes -= bytes_
        self.characters -= characters
        self.members -= members
        if self.members < 0:
            raise TooMuchInsideError(f"holds more than {MAX_MEMBERS:,} files: split it")
        if min(self.bytes, self.characters) < 0:
            raise TooMuchInsideError("holds files that unpack to more than is read of one file: split it")


def most_inside(size: int) -> int:
    """Return how many bytes, and how many characters, are read of the files inside one of ``size`` bytes.

    Small files may unpack to ``MAX_UNPACKED_BYTES``; large ones hold about as much as they have, twice where
    a file in a file is counted again.
    """
    return MAX_UNPACKED_BYTES + 2 * size


@dataclass(frozen=True, slots=True)
class Place:
    """Where a document is: in a file, or in one inside it.

    Attributes:
        file: the name of the outermost file.
        allowance: what may still be read of the files inside it.
        member: the path inside it; None for the file itself.
        depth: how many files are around it.
    """

    file: str
    allowance: Allowance
    member: str | None = None
    depth: int = 0

    @classmethod
    def of(cls, file: str, size: int) -> Place:
        """Return the place of a file of ``size`` bytes."""
        return cls(file, Allowance(most_inside(size), most_inside(size)))

    @property
    def name(self) -> str:
        """The path by which its kind and its title are known."""
        return self.file if self.member is None else f"{self.file}/{self.member}"

    def inside(self, path: str) -> Place:
        """Return the place of a member of this file."""
        return replace(
            self, member=path if self.member is None else f"{self.member}/{path}", depth=self.depth + 1
        )

    def failure(self, reason: str, row: str | None = None) -> ReadFailure:
        """Return the failure to report for this document, or for a row of it."""
        return ReadFailure(
            self.file,
            message_line(reason),
            row and row[:MAX_KEY_LENGTH],
            member=self.member and self.member[:MAX_MEMBER_LENGTH],
        )

    def check(self) -> None:
        """Raise ReadError if it is too deep inside the file, or its path is too long."""
        if self.depth > MAX_DEPTH:
            raise ReadError(f"is not read: it is more than {MAX_DEPTH} files deep")
        if self.member is not None and len(self.member) > MAX_MEMBER_LENGTH:
            raise ReadError(f"is not read: its path has more than {MAX_MEMBER_LENGTH:,} characters")


@dataclass(slots=True)
class Names:
    """Gives each member of a file a name of its own."""

    _counts: dict[str, int] = field(default_factory=dict)

    def name(self, member: Member) -> str:
        """Return a member's path; the second of the same path gets `` (2)``.

        >>> names = Names()
        >>> [names.name(Member(path, b"")) for path in ("a/b.pdf", "../a/b.pdf", "a/b.pdf")]
        ['a/b.pdf', 'a/b (2).pdf', 'a/b (3).pdf']
        """
        path = clean_path(member.path)
        count = self._counts[path] = self._counts.get(path, 0) + 1
        if count == 1:
            return path
        pure = PurePosixPath(path)
        again = str(pure.with_name(f"{pure.stem} ({count}){pure.suffix}"))
        return self.name(Member(again, b"")) if again in self._counts else self._keep(again)

    def _keep(self, path: str) -> str:
        self._counts[path] = 1
        return path


def clean_path(path: str) -> str:
    """Return a path that stays inside a folder, without control characters or too long names."""
    parts = [" ".join(printable(part).split()) for part in path.split("/")]
    return "/".join(_shorten(part) for part in parts if part not in ("", ".", "..")) or "unnamed"


def _shorten(name: str) -> str:
    if len(name) <= _MAX_NAME:
        return name
    suffix = PurePosixPath(name).suffix[:_MAX_SUFFIX]
    return name[: _MAX_NAME - len(suffix)].rstrip() + suffix
