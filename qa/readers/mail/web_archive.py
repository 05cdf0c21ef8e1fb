"""Web pages saved as one file, MHTML: the page in it, as the HTML reader reads it."""

from __future__ import annotations

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
_PAGES = frozenset({"text/html", "application/xhtml+xml"})


def read(data: bytes) -> Extract:
    """Read the page. Its pictures, styles and frames are left out."""
    archive = parse_message(data.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n"))
    page = _page(archive)
    if page is None:
        raise ReadError("is not a saved web page: it holds no HTML")
    markup, charset = payload(page)[0], page.get_content_charset()
    text, notes = decode_text(markup, charset) if charset else decode_markup(markup)
    extract = article.read(text.encode("utf-8-sig", "replace"))
    facts = Facts()
    facts.fill_from(extract.facts)
    facts.add("title", header(archive, "Subject"), "file")
    facts.add("url", _address(archive, page), "file")
    return replace(extract, facts=facts, notes=(*notes, *extract.notes))


def _address(archive: EmailMessage, page: Message) -> str | None:
    """Return where the page was found, unless that is a file or a place inside the archive."""
    for message in (archive, page):
        for name in _ADDRESSES:
            address = one_line(str(message.get(name, ""))).replace(" ", "")
            if address.lower().startswith(("http://", "https://")):
                return address
    return None


def _page(part: Message) -> Message | None:
    """Return the root of the archive, or the first HTML in it."""
    if not part.is_multipart():
        return part if part.get_content_type() in _PAGES else None
    children = [child for child in part.get_payload() if isinstance(child, Message)]
    start = str(part.get_param("start") or "").strip("<> ")
    roots = [child for child in children if start and str(child.get("Content-ID", "")).strip("<> ") == start]
    return next((page for page in map(_page, (*roots, *children)) if page is not None), None)
