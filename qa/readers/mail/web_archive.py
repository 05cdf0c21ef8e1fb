"""Web pages saved as one file, MHTML: the page in it, as the HTML reader reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from email.message import EmailMessage, Message

from qa.errors import ReadError
from qa.readers.extract import Extract, one_line
from qa.readers.html import article
from qa.readers.html.article import decode_markup
from qa.readers.mail.body import parse_message
from qa.readers.mail.charsets import decode_text
from qa.readers.mail.letterhead import header
from qa.readers.mail.transfer import payload
from qa.readers.metadata import Facts

_ADDRESSES = ("Snapshot-Content-Location", "Content-Location")
_KINDS = frozenset({"text/html", "application/xhtml+xml"})
_MARKUP = re.compile(rb"<(?:html|!doctype html)\b", re.IGNORECASE)


def read(data: bytes) -> Extract:
    """Read the page. Its pictures, styles and frames are left out."""
    archive = parse_message(data.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n"))
    pages = list(_pages(archive))
    if not pages and _MARKUP.search(data[:1000]):  # a page that is only named so
        return article.read(data)
    if not pages:
        raise ReadError("is not a saved web page: it holds no HTML")
    page, extract = pages[0], _extract(pages[0])
    if not extract.text.strip():  # its frames have the text
        extract = max(map(_extract, pages), key=lambda found: len(found.text))
    facts = Facts()
    facts.fill_from(extract.facts)
    facts.add("title", header(archive, "Subject"), "file")
    facts.add("url", _address(archive, page), "file")
    return replace(extract, facts=facts)


def _extract(page: Message) -> Extract:
    markup, charset = payload(page)[0], page.get_content_charset()
    text, notes = decode_text(markup, charset) if charset else decode_markup(markup)
    extract = article.read(text.encode("utf-8-sig", "replace"))
    return replace(extract, notes=(*notes, *extract.notes))


def _address(archive: EmailMessage, page: Message) -> str | None:
    """Return where the page was found, unless that is a file or a place inside the archive."""
    for message in (archive, page):
        for name in _ADDRESSES:
            address = one_line(str(message.get(name, ""))).replace(" ", "")
            if address.lower().startswith(("http://", "https://")):
                return address
    return None


def _pages(part: Message) -> Iterator[Message]:
    """Yield the pages in an archive: its root first, and perhaps again."""
    if not part.is_multipart():
        if part.get_content_type() in _KINDS:
            yield part
        return
    children = [child for child in part.get_payload() if isinstance(child, Message)]
    start = str(part.get_param("start") or "").strip("<> ")
    roots = [child for child in children if start and str(child.get("Content-ID", "")).strip("<> ") == start]
    for child in (*roots, *children):
        yield from _pages(child)
