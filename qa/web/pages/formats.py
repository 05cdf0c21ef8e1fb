"""How the templates write what is no matter of language: names of documents and of types, addresses."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from flask import Flask, current_app

from qa import __version__
from qa.types import Document
from qa.web.api.answers import passage_url
from qa.web.pages.citations import plain
from qa.web.service import opened

_TYPES = {
    "text/plain": "Text",
    "text/markdown": "Markdown",
    "text/html": "HTML",
    "application/xhtml+xml": "XHTML",
    "application/pdf": "PDF",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "Word",
    "application/epub+zip": "EPUB",
    "message/rfc822": "E-mail",
    "application/jsonl": "JSON Lines",
    "text/csv": "CSV",
    "text/tab-separated-values": "TSV",
}


def init_app(app: Flask) -> None:
    """Give the templates of ``app`` what they need on every page."""
    app.context_processor(_for_every_page)
    app.add_template_filter(title_of)
    app.add_template_filter(type_name)
    app.add_template_filter(passage_url, "address_of")
    app.add_template_filter(plain, "citation")


def title_of(document: Document) -> str:
    """Give a document's title, or its file's name."""
    return document.metadata.title or document.path.rpartition("/")[2]


def type_name(media_type: str) -> str:
    """Name a kind of file as people do."""
    return _TYPES.get(media_type, media_type)


def address(path: str, values: dict[str, Any]) -> str:
    """Put an address together; a value may be a list."""
    return f"{path}?{urlencode(values, doseq=True)}" if values else path


def _for_every_page() -> dict[str, Any]:
    search = opened()
    return {"index": search.info if search else None, "version": __version__, "asset": _asset}


def _asset(name: str) -> str:
    """Give a static file's address, which changes with the file, so that it can be kept for long."""
    return f"/static/{name}?v={_fingerprint(current_app.static_folder or '')}"


@cache
def _fingerprint(folder: str) -> str:
    files = sorted(Path(folder).iterdir())
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:10]
