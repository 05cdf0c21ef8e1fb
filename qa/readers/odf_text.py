"""The text of an OpenDocument file's paragraphs: what a reader of the page sees, and nothing twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from qa.readers.odf_styles import DRAW, OFFICE, TEXT, Styles, number_of
from qa.readers.superscripts import raise_text

_BOXES = frozenset(
    {f"{DRAW}{name}" for name in ("text-box", "custom-shape", "rect", "ellipse", "g", "line", "path")}
)
_LEFT_OUT = frozenset(
    {f"{TEXT}{name}" for name in ("ruby-text", "hidden-text", "tracked-changes", "note-citation", "list")}
    | {f"{DRAW}frame", *_BOXES}
)
"""Pronunciations, what is hidden or was deleted; text boxes come later."""

_MAX_SPACES = 100


class TextReader:
    """Reads paragraphs in the order of the text, and collects their notes."""

    def __init__(self, styles: Styles) -> None:
        self._styles = styles
        self.comments = 0
        self.notes: list[tuple[str, Any]] = []
        """Each note's marker and body."""

    def text(self, paragraph: Any) -> str:
        """Return a paragraph's own text."""
        pieces: list[str] = []
        if not self._styles.is_hidden(paragraph):
            self._collect(paragraph, pieces, is_raised=False)
        return "".join(pieces)

    def boxes(self, element: Any) -> Iterator[Any]:
        """Yield the text boxes anchored in a paragraph, but not those in a box, which are read with it."""
        for child in element:
            if child.tag in _BOXES:
                yield child
            elif isinstance(child.tag, str) and child.tag not in {f"{OFFICE}annotation", f"{TEXT}note"}:
                yield from self.boxes(child)

    def _collect(self, element: Any, pieces: list[str], *, is_raised: bool) -> None:
        def add(text: str | None) -> None:
            if text:
                before = pieces[-1] if pieces else ""
                pieces.append(raise_text(text, before) if is_raised else text)

        add(element.text)
        for child in element:
            if child.tag == f"{TEXT}s":
                add(" " * min(number_of(child, f"{TEXT}c", 1), _MAX_SPACES))
            elif child.tag in {f"{TEXT}tab", f"{TEXT}line-break"}:
                add(" ")
            elif child.tag == f"{TEXT}note":
                add(self._marker(child))
            elif child.tag == f"{OFFICE}annotation":
                self.comments += 1
            elif self._is_read(child):
                self._collect(child, pieces, is_raised=self._styles.is_raised(child))
            add(child.tail)

    def _is_read(self, child: Any) -> bool:
        return isinstance(child.tag, str) and child.tag not in _LEFT_OUT and not self._styles.is_hidden(child)

    def _marker(self, note: Any) -> str:
        citation = note.find(f"{TEXT}note-citation")
        mark = "" if citation is None else "".join(citation.itertext()).strip()
        marker = f"[{mark or len(self.notes) + 1}]"
        body = note.find(f"{TEXT}note-body")
        if body is not None:
            self.notes.append((marker, body))
        return marker
