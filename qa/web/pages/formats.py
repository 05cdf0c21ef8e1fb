"""Formats that are the same in every language: titles, names of file types, addresses, asset versions."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from flask import Flask, current_app

from qa import __version__
from qa.results.answers import passage_url
from qa.results.citations import plain, source, title_of
from qa.web.pages.remedies import remedy_for
from qa.web.service import opened_searcher

_TYPES = {
    "text/plain": "Text",
    "text/markdown": "Markdown",
    "text/html": "HTML",
    "application/xhtml+xml": "XHTML",
    "application/pdf": "PDF",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "Word",
    "application/epub+zip": "EPUB",
    "message/rfc822": "E-mail",
    "application/mbox": "E-mail",
    "application/jsonl": "JSON Lines",
    "text/csv": "CSV",
    "text/tab-separated-values": "TSV",
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/tiff": "TIFF",
    "image/webp": "WebP",
}


def init_app(app: Flask) -> None:
    """Register the filters and variables that every template needs."""
    app.context_processor(_for_every_page)
    app.add_template_filter(title_of)
    app.add_template_filter(type_name)
    app.add_template_filter(remedy_for)
    app.add_template_filter(passage_url, "address_of")
    app.add_template_filter(plain, "citation")
    app.add_template_filter(source)


def type_name(media_type: str) -> str:
    """Return the everyday name of a media type, or the media type itself."""
    return _TYPES.get(media_type, media_type)


def address(path: str, parameters: dict[str, Any]) -> str:
    """Return a path with a query string; a parameter may be a list."""
    return f"{path}?{urlencode(parameters, doseq=True)}" if parameters else path


def _for_every_page() -> dict[str, Any]:
    search = opened_searcher()
    return {"index": search.info if search else None, "version": __version__, "asset": _asset}


def _asset(name: str) -> str:
    """Return a static file's address, which changes with its content: browsers may cache it for a year."""
    return f"/static/{name}?v={_fingerprint(current_app.static_folder or '')}"


@cache
def _fingerprint(folder: str) -> str:
    files = sorted(Path(folder).iterdir())
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:10]
