"""E-mail messages: the text of the body, metadata from the headers."""

from __future__ import annotations

import codecs
import re
from email.message import EmailMessage

from qa.errors import ReadError
from qa.readers.extract import Block, Extract, Member, assemble
from qa.readers.mail.body import Body, parse_message
from qa.readers.mail.letterhead import facts_of

_HEADERS = ("From", "Date", "Subject", "Message-ID")

_APPLE_LENGTH = re.compile(rb"(\d{1,12})[ \t]*\r?\n")
"""The first line of a file of Apple Mail: how many bytes the message has. A property list follows."""


def read(data: bytes) -> Extract:
    """Read a message. Its attachments are members; messages that it forwards are part of its text.

    Raises:
        ReadError: it has no headers, or neither text nor attachments.
    """
    return extract(parse(data))


def parse(data: bytes) -> EmailMessage:
    """Parse a message.

    Raises:
        ReadError: it has none of a message's headers.
    """
    message = parse_message(_bare(data))
    if not any(header in message for header in _HEADERS):
        raise ReadError("is not an e-mail message: it has no headers")
    return message


def _bare(data: bytes) -> bytes:
    """Return a message without byte-order mark, blank lines above it, and what Apple Mail puts around it."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        data = data.decode("utf-16", "replace").encode("utf-8")
    data = data.removeprefix(codecs.BOM_UTF8)
    if length := _APPLE_LENGTH.match(data):
        message, end = data[length.end() :], int(length[1])
        return message[:end] if message[end:].lstrip().startswith(b"<?xml") else message
    return data.lstrip(b"\r\n")


def extract(message: EmailMessage, key: str | None = None) -> Extract:
    """Return a message's text and metadata.

    Args:
        message: the parsed message.
        key: its key in a mailbox.

    Raises:
        ReadError: it has neither text nor attachments.
    """
    body, facts = Body(message), facts_of(message)
    if not body.blocks and not body.attachments:
        raise ReadError("is a message without text")
    blocks = body.blocks or [Block(facts.get("title") or "(no text)")]
    text, headings, tables = assemble(blocks)
    folder = f"{key.replace('/', '_')}/" if key else ""
    members = tuple(Member(folder + attached.path, attached.data) for attached in body.attachments)
    return Extract(text, facts, headings, tables=tables, key=key, notes=tuple(body.notes), members=members)
