"""Were documents removed, or is their disk not mounted? An index must not be emptied by mistake."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path

from qa.config import Settings
from qa.errors import CorruptIndexError, DocumentsGoneError, SettingsError
from qa.index.generation import Generation
from qa.indexing import ledger
from qa.indexing.folder import Scan, lies_in
from qa.types import SourceFile

HANDFUL = 10
"""So many files may always go: reading and encoding them again takes a moment (chosen)."""


def check(
    docs: Path,
    known: Mapping[str, SourceFile],
    scan: Scan,
    mounts: Collection[str],
    handful: int = HANDFUL,
) -> None:
    """Check that files did not vanish all at once.

    Args:
        docs: the documents folder.
        known: the indexed files that should be in it.
        scan: what is in it.
        mounts: the folders on which another file system was mounted at the last build.
        handful: how many files may go, whatever their share.

    Raises:
        DocumentsGoneError: nothing is left, or less than half; or nothing is mounted any more on a folder
            that files are gone from.
    """
    gone = vanished(known, {file.path: file for file in scan.files})
    if not gone:
        return
    number = f"{len(gone)} of {_files(len(known))}"
    if not scan.files and not scan.failures:
        raise _refusal(f"the documents folder {docs} is empty, and {number} are gone")
    unmounted = sorted(
        folder for folder in set(mounts) - set(scan.mounts)
        if (docs / folder).is_dir() and any(lies_in(path, [folder]) for path in gone)
    )  # fmt: skip
    if unmounted:
        folders = ", ".join(unmounted)
        raise _refusal(f"{number} are gone from {docs}, and nothing is mounted on {folders} any more")
    if len(gone) > handful and 2 * len(gone) > len(known):
        raise _refusal(f"{number} are gone from {docs}, or cannot be opened any more, such as {gone[0]}")


def check_apart(settings: Settings) -> None:
    """Check that the documents folder is not in the folder of the index, where nothing is a document.

    Raises:
        SettingsError: it is.
    """
    docs, index = settings.docs.resolve(), settings.index.resolve()
    if docs.is_relative_to(index):
        where = "is also the folder of the index" if docs == index else f"lies in that of the index, {index}"
        raise SettingsError(
            f"the documents folder {docs} {where}: give the index a folder of its own (--index)"
        )


def indexed_files(index: Path, old: Generation | None) -> dict[str, SourceFile]:
    """Return the indexed files; only their names, from the ledger, if the index cannot be read."""
    if old is not None:
        return old.store.files()
    try:
        entries = [*ledger.entries(index, "indexed"), *ledger.entries(index, "partly")]
    except CorruptIndexError:
        return {}
    return {entry.path: SourceFile(entry.path, "") for entry in entries}


def vanished(known: Mapping[str, SourceFile], now: Mapping[str, SourceFile]) -> list[str]:
    """Return the known files that are gone and not moved: no new file has their content."""
    arrived = Counter(file.sha256 for path, file in now.items() if not _is_same(known.get(path), file))
    gone = []
    for path in sorted(known.keys() - now.keys()):
        if arrived[known[path].sha256] > 0:
            arrived[known[path].sha256] -= 1
        else:
            gone.append(path)
    return gone


def _is_same(known: SourceFile | None, file: SourceFile) -> bool:
    return known is not None and known.sha256 == file.sha256


def _refusal(what: str) -> DocumentsGoneError:
    return DocumentsGoneError(
        f"{what}: the index stays as it is. Is a disk or a network folder not mounted? If you removed the "
        "files on purpose, run `qa index --allow-empty`"
    )


def _files(count: int) -> str:
    return "1 indexed file" if count == 1 else f"{count} indexed files"
