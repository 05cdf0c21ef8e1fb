"""A quotation with its source, in the forms in which people and programs keep them.

Nothing is guessed here either: where a document has no date, neither has its citation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from qa.types import Document, Span

_WHITE = re.compile(r"\s+")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~])")
_LATEX: Mapping[int, str] = MappingProxyType(
    {
        ord("\\"): r"\textbackslash{}",
        ord("{"): r"\{",
        ord("}"): r"\}",
        ord("~"): r"\textasciitilde{}",
        ord("^"): r"\textasciicircum{}",
    }
    | {ord(sign): f"\\{sign}" for sign in "&%$#_"}
)


@dataclass(frozen=True, slots=True)
class Quotation:
    """Characters ``span`` of a document, and the address that shows them."""

    document: Document
    span: Span
    text: str
    permalink: str
    page: int | None = None
    section: str | None = None

    @property
    def line(self) -> str:
        """Give the text on one line."""
        return _one_line(self.text)

    @property
    def title(self) -> str:
        """Give the document's title, or its file's name."""
        return _one_line(self.document.metadata.title or self.document.path.rpartition("/")[2])

    @property
    def place(self) -> str:
        """Tell where in the document it stands, and in which state of the file."""
        parts = [
            f"p. {self.page}" if self.page else "",
            f"section “{_one_line(self.section)}”" if self.section else "",
            f"characters {self.span.start}–{self.span.end}",
            f"SHA-256 {self.document.sha256[:12]}",
        ]
        return ", ".join(part for part in parts if part)

    @property
    def key(self) -> str:
        """Give a name that a bibliography can use."""
        return f"{self.document.id}-{self.span.start}-{self.span.end}"


def plain(quotation: Quotation) -> str:
    """Write it as a line of text."""
    return f"“{quotation.line}” — {_source(quotation, quotation.title)} {quotation.permalink}"


def markdown(quotation: Quotation) -> str:
    """Write it as a quotation in Markdown, its source linked."""
    title = f"[{_escaped(quotation.title)}]({quotation.permalink})"
    return f"> {_escaped(quotation.line)}\n>\n> — {_source(quotation, title, _escaped)}\n"


def bibtex(quotation: Quotation) -> str:
    """Write it as an entry for BibTeX and biblatex."""
    meta = quotation.document.metadata
    fields = {
        "title": f"{{{_latex(quotation.title)}}}",
        "author": f"{{{_latex(meta.author)}}}" if meta.author else "",
        "publisher": _latex(meta.source or ""),
        "date": meta.published or "",
        "year": (meta.published or "")[:4],
        "pages": str(quotation.page or ""),
        "langid": meta.language or "",
        "url": quotation.permalink,
        "annote": f"``{_latex(quotation.line)}''",
        "note": _latex("; ".join(filter(None, (meta.dateline, quotation.place)))),
    }
    lines = [f"  {name} = {{{value}}}" for name, value in fields.items() if value]
    return f"@misc{{{quotation.key},\n" + ",\n".join(lines) + "\n}\n"


def ris(quotation: Quotation) -> str:
    """Write it as a RIS record."""
    meta = quotation.document.metadata
    values = [
        ("TY", "GEN"),
        ("ID", quotation.key),
        ("TI", quotation.title),
        ("AU", meta.author),
        ("PB", meta.source),
        ("PY", (meta.published or "")[:4]),
        ("DA", (meta.published or "").replace("-", "/")),
        ("SP", str(quotation.page or "")),
        ("LA", meta.language),
        ("UR", quotation.permalink),
        ("N1", f"“{quotation.line}”"),
        ("N1", "; ".join(filter(None, (meta.dateline, quotation.place)))),
    ]
    lines = [f"{tag}  - {_one_line(value)}" for tag, value in values if value]
    return "\r\n".join([*lines, "ER  - ", ""])


def csl_json(quotation: Quotation) -> str:
    """Write it as CSL-JSON, which Zotero and pandoc read."""
    meta = quotation.document.metadata
    item: dict[str, Any] = {
        "id": quotation.key,
        "type": "document",
        "title": quotation.title,
        "author": [{"literal": meta.author}] if meta.author else None,
        "publisher": meta.source,
        "issued": {"date-parts": [[int(part) for part in meta.published.split("-")]]}
        if meta.published
        else None,
        "page": str(quotation.page) if quotation.page else None,
        "language": meta.language,
        "URL": quotation.permalink,
        "annote": quotation.text,
        "note": "; ".join(filter(None, (meta.dateline, quotation.place))),
    }
    kept = {name: value for name, value in item.items() if value is not None}
    return json.dumps([kept], ensure_ascii=False, indent=2) + "\n"


@dataclass(frozen=True, slots=True)
class Form:
    """A way to write a quotation down."""

    name: str
    media_type: str
    write: Callable[[Quotation], str]


FORMS: Mapping[str, Form] = MappingProxyType(
    {
        "txt": Form("Plain text", "text/plain", plain),
        "md": Form("Markdown", "text/markdown", markdown),
        "bib": Form("BibTeX", "application/x-bibtex", bibtex),
        "ris": Form("RIS", "application/x-research-info-systems", ris),
        "json": Form("CSL-JSON", "application/vnd.citationstyles.csl+json", csl_json),
    }
)
"""By the ending of their addresses."""


def _source(quotation: Quotation, title: str, escaped: Callable[[str], str] = str) -> str:
    meta = quotation.document.metadata
    parts = [_one_line(part) for part in (meta.author, meta.source, meta.published or meta.dateline) if part]
    return ", ".join([title, *map(escaped, parts), escaped(quotation.place)]) + "."


def _one_line(text: str) -> str:
    return _WHITE.sub(" ", text).strip()


def _escaped(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", text)


def _latex(text: str) -> str:
    return _one_line(text).translate(_LATEX)
