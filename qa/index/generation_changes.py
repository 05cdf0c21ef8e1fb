"""What changed from one generation of the index to another: documents and their passages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import chain
from typing import Literal

from qa.index.generation import Generation
from qa.types import Document

Change = Literal["added", "changed", "moved", "removed"]


@dataclass(frozen=True, slots=True)
class PassageCounts:
    """How many passages were added, changed and removed."""

    added: int = 0
    changed: int = 0
    removed: int = 0

    def __add__(self, other: PassageCounts) -> PassageCounts:
        return PassageCounts(
            self.added + other.added, self.changed + other.changed, self.removed + other.removed
        )


@dataclass(frozen=True, slots=True)
class DocumentChange:
    """What became of a document.

    Attributes:
        change: ``moved`` if the same file has another path. A document whose passages are all the same has
            changed if anything else that is known about it has: its file, title or date.
        document: as it is in the later generation, or as it was if it was removed.
        former_path: its path before, if it was moved.
        passages: what became of its passages.
    """

    change: Change
    document: Document
    former_path: str | None = None
    passages: PassageCounts = PassageCounts()


def compare_generations(earlier: Generation, later: Generation) -> list[DocumentChange]:
    """Return the documents that differ, ordered by path."""
    before, after = (
        {document.id: document for document in generation.store.all_documents()}
        for generation in (earlier, later)
    )
    is_read_alike = earlier.manifest.made_with == later.manifest.made_with
    changes = [
        DocumentChange("changed", after[id_], passages=_passages(earlier, later, id_))
        for id_ in before.keys() & after.keys()
        if before[id_] != after[id_] or (not is_read_alike and _texts(earlier, id_) != _texts(later, id_))
    ]
    changes += _come_and_gone(
        {id_: document for id_, document in before.items() if id_ not in after},
        {id_: document for id_, document in after.items() if id_ not in before},
    )
    return sorted(changes, key=lambda change: (change.document.path, change.document.row or ""))


def _come_and_gone(gone: Mapping[str, Document], come: Mapping[str, Document]) -> list[DocumentChange]:
    """Return the documents that were added, moved and removed. The same file elsewhere was moved there."""
    former: dict[tuple[str, str | None], list[Document]] = {}
    for document in gone.values():
        former.setdefault((document.sha256, document.row), []).append(document)
    changes = []
    for document in come.values():
        if old := former.get((document.sha256, document.row)):
            changes.append(DocumentChange("moved", document, old.pop().path))
        else:
            counts = PassageCounts(added=document.passages)
            changes.append(DocumentChange("added", document, passages=counts))
    return changes + [
        DocumentChange("removed", document, passages=PassageCounts(removed=document.passages))
        for document in chain.from_iterable(former.values())
    ]


def _passages(earlier: Generation, later: Generation, document_id: str) -> PassageCounts:
    """Compare the passages of a document in two generations: those between the same ones have changed."""
    counts = PassageCounts()
    matcher = SequenceMatcher(None, _texts(earlier, document_id), _texts(later, document_id), autojunk=False)
    for operation, first, last, start, end in matcher.get_opcodes():
        if operation != "equal":
            old, new = last - first, end - start
            changed = min(old, new)
            counts += PassageCounts(new - changed, changed, old - changed)
    return counts


def _texts(generation: Generation, document_id: str) -> list[str]:
    return [passage.text for passage in generation.store.passages_of(document_id)]
