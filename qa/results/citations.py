"""Citations: a quotation with its source, as text, Markdown, BibTeX, RIS or CSL-JSON.

Nothing is guessed: a document without a date has a citation without a date.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

from qa.results.permalinks import permalink
from qa.types import Document, Passage, Span

_WHITESPACE = re.compile(r"\s+")
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


def title_of(document: Document) -> str:
    """Return a document's title, or else its file name."""
    return document.metadata.title or document.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Quotation:
    """The characters ``span`` of a document, and a permalink to them; ``remark`` is what a reader noted."""

    document: Document
    span: Span
    text: str
    permalink: str
    page: int | None = None
    section: str | None = None
    remark: str = ""

    @property
    def line(self) -> str:
        """Return the text on one line."""
        return _one_line(self.text)

    @property
    def title(self) -> str:
        """Return the title of the document on one line."""
        return _one_line(title_of(self.document))

    @property
    def place(self) -> str:
        """Return where the quotation is in the document, and which version of the file that is."""
        parts = [
            f"p. {self.page}" if self.page else "",
            f"section “{_one_line(self.section)}”" if self.section else "",
            f"characters {self.span.start}–{self.span.end}",
            f"SHA-256 {self.document.sha256[:12]}",
        ]
        return ", ".join(part for part in parts if part)

    @property
    def key(self) -> str:
        """Return a unique key for a bibliography."""
        return f"{self.document.id}-{self.span.start}-{self.span.end}"


def quote(
    document: Document,
    span: Span,
    text: str,
    base_url: str,
    *,
    page: int | None = None,
    section: str | None = None,
) -> Quotation:
    """Return a quotation of a part of a document; its permalink begins with the service's ``base_url``."""
    return Quotation(document, span, text, permalink(base_url, document, span, text), page, section)


def quote_passage(passage: Passage, span: Span, base_url: str) -> Quotation:
    """Return a quotation of a part of a passage."""
    page, section = passage.page, passage.section
    return quote(passage.document, span, passage.slice(span), base_url, page=page, section=section)


def plain(quotation: Quotation) -> str:
    """Return a citation as a line of text."""
    return f"“{quotation.line}” — {source(quotation)} {quotation.permalink}"


def markdown(quotation: Quotation) -> str:
    """Return a citation as a Markdown blockquote with a linked source."""
    title = f"[{escaped(quotation.title)}]({quotation.permalink})"
    return f"> {escaped(quotation.line)}\n>\n> — {_source(quotation, title, escaped)}\n"


def bibtex(quotation: Quotation) -> str:
    """Return a citation as an entry for BibTeX and biblatex."""
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
        "note": _latex("; ".join(filter(None, (meta.dateline, quotation.place, quotation.remark)))),
    }
    lines = [f"  {name} = {{{value}}}" for name, value in fields.items() if value]
    return f"@misc{{{quotation.key},\n" + ",\n".join(lines) + "\n}\n"


def ris(quotation: Quotation) -> str:
    """Return a citation as a RIS record."""
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
        ("N1", quotation.remark),
    ]
    lines = [f"{tag}  - {_one_line(value)}" for tag, value in values if value]
    return "\r\n".join([*lines, "ER  - ", ""])


def csl_json(quotation: Quotation) -> str:
    """Return a citation as CSL-JSON, which Zotero and pandoc read."""
    return json.dumps([csl_item(quotation)], ensure_ascii=False, indent=2) + "\n"


def csl_item(quotation: Quotation) -> dict[str, Any]:
    """Return a citation as an item of CSL-JSON."""
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
        "note": "; ".join(filter(None, (meta.dateline, quotation.place, quotation.remark))),
    }
    return {name: value for name, value in item.items() if value is not None}


class CitationFormat(NamedTuple):
    """A format of citations. Markdown is sent as plain text, so that browsers show it."""

    media_type: str
    write: Callable[[Quotation], str]


FORMATS: Mapping[str, CitationFormat] = MappingProxyType(
    {
        "txt": CitationFormat("text/plain", plain),
        "md": CitationFormat("text/plain", markdown),
        "bib": CitationFormat("application/x-bibtex", bibtex),
        "ris": CitationFormat("application/x-research-info-systems", ris),
        "json": CitationFormat("application/vnd.citationstyles.csl+json", csl_json),
    }
)
"""By the extension in their addresses."""

STYLES: Mapping[str, Callable[[Quotation], str]] = MappingProxyType(
    {"text": plain, "markdown": markdown, "bibtex": bibtex, "ris": ris, "csl-json": csl_json}
)
"""By the names that programs use."""


def source(quotation: Quotation) -> str:
    """Return the source of a quotation, and its place there, as a line of text."""
    return _source(quotation, quotation.title)


def _source(quotation: Quotation, title: str, escape: Callable[[str], str] = str) -> str:
    meta = quotation.document.metadata
    parts = [_one_line(part) for part in (meta.author, meta.source, meta.published or meta.dateline) if part]
    return ", ".join([title, *map(escape, parts), escape(quotation.place)]) + "."


def _one_line(text: str) -> str:
    return _WHITESPACE.sub(" ", text).strip()


def escaped(text: str) -> str:
    """Return a text with backslashes before the characters that Markdown would interpret."""
    return _MARKDOWN.sub(r"\\\1", text)


def _latex(text: str) -> str:
    return _one_line(text).translate(_LATEX)
