"""The headers of a message: raw bytes, encoded words, names and dates."""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from email.message import EmailMessage
from email.utils import getaddresses, parsedate_to_datetime

from qa.errors import ReadError
from qa.readers.extract import one_line
from qa.readers.mail.charsets import decode_text
from qa.readers.metadata import Facts

_MAX_LENGTH = 10_000
"""Characters of a header that are read: more than any that a person writes."""

_WORD = re.compile(r"=\?([^\s?*]{1,60})(?:\*[^\s?]{0,20})?\?([bBqQ])\?([^?\r\n]*)\?=")
_NO_DIGIT = re.compile(rb"[^A-Za-z0-9+/]")
_BETWEEN_WORDS = re.compile(r"(\?=)\s+(?==\?[^\s?]{1,80}\?[bBqQ]\?)")


def facts_of(message: EmailMessage) -> Facts:
    """Return the metadata of a message."""
    facts = Facts()
    facts.add("title", header(message, "Subject"), "file")
    facts.add("author", _sender(message), "file")
    facts.add("published", _sent(message), "file")
    facts.add("language", header(message, "Content-Language"), "file")
    return facts


def header(message: EmailMessage, name: str) -> str | None:
    """Return a header's text on one line, or None."""
    raw = _raw(message, name)
    return None if raw is None else one_line(decode_words(raw)) or None


def decode_words(text: str) -> str:
    """Replace encoded words (RFC 2047) by their text. Words side by side may share a character's bytes."""
    parts: list[str] = []
    pending, charset, end = b"", "", 0
    text = _BETWEEN_WORDS.sub(r"\1", text)
    for word in _WORD.finditer(text):
        if word.start() > end or word[1].lower() != charset:
            parts += (_decoded(pending, charset), text[end : word.start()])
            pending = b""
        pending, charset, end = pending + _bytes_of(word[2], word[3]), word[1].lower(), word.end()
    return "".join((*parts, _decoded(pending, charset), text[end:]))


def readable(raw: str, charset: str | None) -> str:
    """Return a header of raw bytes, which the parser keeps as surrogates, as text.

    Args:
        raw: the header as the parser has it.
        charset: that of the message's text, which its headers mostly share.
    """
    if raw.isascii():
        return raw
    data = raw.encode("utf-8", "surrogateescape")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return _decoded(data, charset)


def charset_of(message: EmailMessage) -> str | None:
    """Return the charset that a message or its first part of text declares."""
    for part in message.walk():
        if part.get_content_maintype() == "text" and (charset := part.get_content_charset()):
            return charset
    return None


def _raw(message: EmailMessage, name: str) -> str | None:
    for key, value in message.raw_items():
        if key.lower() == name.lower():
            text = str(value)[:_MAX_LENGTH]
            return text if text.isascii() else readable(text, charset_of(message))
    return None


def _decoded(data: bytes, charset: str | None) -> str:
    try:
        return decode_text(data, charset).text
    except ReadError:
        return data.decode("utf-8", "replace")


def _bytes_of(encoding: str, text: str) -> bytes:
    data = text.encode("utf-8", "surrogateescape")
    if encoding in "qQ":
        return quopri.decodestring(data, header=True)
    digits = _NO_DIGIT.sub(b"", data)
    try:
        return base64.b64decode(digits + b"=" * (-len(digits) % 4))
    except binascii.Error:  # one digit too many
        return base64.b64decode(digits[:-1])


def _sender(message: EmailMessage) -> str | None:
    raw = _raw(message, "From")
    if not raw:
        return None
    raw = " ".join(raw.split())
    names = [one_line(decode_words(name or address)) for name, address in getaddresses([raw])]
    if not any(names):  # a comma in a name without quotes
        names = [one_line(decode_words(raw.partition("<")[0].strip(' "')))]
    return ", ".join(filter(None, names)) or None


def _sent(message: EmailMessage) -> str | None:
    try:
        return parsedate_to_datetime(_raw(message, "Date") or "").date().isoformat()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
