"""E-mail messages: the text of the body, metadata from the headers."""

from __future__ import annotations

import email
import email.policy
from email.errors import MessageError
from email.message import EmailMessage
from typing import Any

from qa.errors import ReadError
from qa.readers.extract import AssembledText, Extract, assemble, printable
from qa.readers.html.article import decode_markup, parse
from qa.readers.html.blocks import blocks
from qa.readers.metadata import Facts
from qa.readers.plain_text import decode

_HEADERS = ("From", "Date", "Subject", "Message-ID")


def read(data: bytes) -> Extract:
    """Read a message. Attachments are noted, not read."""
    message = email.message_from_bytes(data, policy=email.policy.default)
    if not isinstance(message, EmailMessage) or not any(header in message for header in _HEADERS):
        raise ReadError("is not an e-mail message: it has no headers")
    body = message.get_body(preferencelist=("plain", "html"))
    if body is None:
        raise ReadError("is a message without text")
    text, headings, tables = _text(body)
    names = [part.get_filename() or part.get_content_type() for part in message.iter_attachments()]
    notes = tuple(f"attachment {name} was not read" for name in names)
    return Extract(text, _facts(message), headings, tables=tables, notes=notes)


def _text(body: Any) -> AssembledText:
    data = body.get_payload(decode=True) or b""
    charset = body.get_content_charset()
    text = None
    if charset:
        try:
            text = data.decode(charset)
        except (UnicodeDecodeError, LookupError):
            text = None
    if body.get_content_type() == "text/html":
        return assemble(blocks(parse(decode_markup(data).text if text is None else text)))
    plain = decode(data) if text is None else text
    return AssembledText(printable(plain.replace("\r\n", "\n")), (), ())


def _facts(message: EmailMessage) -> Facts:
    facts = Facts()
    facts.add("title", message["Subject"], "file")
    facts.add("author", _sender(message), "file")
    facts.add("published", _sent(message), "file")
    facts.add("language", message["Content-Language"], "file")
    return facts


def _sender(message: EmailMessage) -> str | None:
    try:
        addresses = getattr(message["From"], "addresses", ())
    except (MessageError, ValueError, IndexError):
        return None
    names = [address.display_name or (address.addr_spec if address.username else "") for address in addresses]
    return ", ".join(name for name in names if name) or None


def _sent(message: EmailMessage) -> str | None:
    try:
        sent = getattr(message["Date"], "datetime", None)
    except (MessageError, ValueError, IndexError):
        return None
    return sent.date().isoformat() if sent else None
