"""Documents for stores in tests, and a store of some."""

from __future__ import annotations

from qa.index.store import StoredDocument
from qa.types import Document, Metadata, PassageSpan, Span


def stored_document(
    path: str,
    text: str,
    *spans: tuple[int, int],
    metadata: Metadata | None = None,
    language: str | None = None,
) -> StoredDocument:
    passages = tuple(
        PassageSpan(Span(*span), (Span(*span),), section=f"§ {i}", page=i + 1, language=language)
        for i, span in enumerate(spans)
    )
    document = Document(
        f"{abs(hash(path)):016x}"[:16],
        path,
        "text/plain",
        "5" * 64,
        metadata or Metadata(),
        len(text),
        len(spans),
    )
    return StoredDocument(document, text, (), passages, tuple(f"{path}{i}" for i in range(len(spans))))


DOCUMENTS = [
    stored_document(
        path, "abcd", (0, 2), (2, 4), language=own,
        metadata=Metadata(source=source, language=language, published=published),
    )
    for path, source, language, published, own in [
        ("a.txt", "TASS", "en", "2019-07-03", None),
        ("news/a.txt", "tass", "ru", "2019-07-04", "en"),
        ("news/old/b.txt", "Reuters", "en", None, "ru"),
        ("newsletter/c.md", None, None, "2021-01-01", None),
        ("news/[x]*.md", "R'); --", "en", "2020-12-31", "en"),
        ("ru/Новости_1.txt", "ТАСС", "ru", "2018-01-01", "ru"),
        ("de.txt", "Straße", "de", None, None),
        ("fr/caf\u00e9/un.txt", "L'\u00c9cho", "fr", None, None),
        ("fr/cafe\u0301/deux.txt", "l'e\u0301cho", "fr", None, None),
    ]
]  # fmt: skip
