"""A document's words for phrases: the whole text, a part for each passage, and its titles and sections."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from qa.index.lexical.word_sequences import DocumentWords
from qa.index.store import StoredDocument
from qa.text.word_comparison import compared_words


def document_words(stored: StoredDocument) -> DocumentWords:
    """Return a document's compared words: with each passage, those since the passage before."""
    text, passages = stored.text, stored.passages
    ends = [*(passage.span.end for passage in passages[:-1]), len(text)]
    bounds = zip([0, *ends], ends, strict=False)
    texts = [compared_words(text[start:end]) for start, end in bounds][: len(passages)]
    return DocumentWords(texts, list(_contexts(stored)))


def _contexts(stored: StoredDocument) -> Iterator[tuple[int, int, list[str]]]:
    """Yield what is searched with several passages: the title, sections, and headers of tables."""
    passages = stored.passages
    sections = [passage.section for passage in passages]
    headers = [passage.header and passage.header.slice(stored.text) for passage in passages]
    for fields in ([stored.document.metadata.title] * len(passages), sections, headers):
        for first, last, field in _runs(fields):
            yield first, last, compared_words(field)


def _runs(fields: Sequence[str | None]) -> Iterator[tuple[int, int, str]]:
    """Yield each run of the same text: its first place, the place after its last one, and the text."""
    for field, places in groupby(range(len(fields)), key=lambda place: fields[place]):
        own = list(places)
        if field:
            yield own[0], own[-1] + 1, field
