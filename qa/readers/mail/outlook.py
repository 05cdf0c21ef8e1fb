"""Outlook's files of one message each (.msg). Messages in them are part of the text, as in other mail."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from qa.errors import ReadError
from qa.readers import rtf
from qa.readers.extract import Block, Extract, Member, assemble, one_line, printable
from qa.readers.html.article import decode_markup
from qa.readers.mail import mailbox
from qa.readers.mail.alternatives import Blocks, html_text, says_more
from qa.readers.mail.body import parse_message
from qa.readers.mail.charsets import decode_text
from qa.readers.mail.letterhead import facts_of
from qa.readers.metadata import Facts
from qa.readers.tables import BadRow

_SUBJECT, _HEADERS, _SENDER, _REPRESENTED, _ADDRESS, _SMTP = 0x37, 0x7D, 0xC1A, 0x42, 0xC1F, 0x5D01
_SENT, _DELIVERED = 0x39, 0xE06
_BODY, _RTF, _HTML = 0x1000, 0x1009, 0x1013
_DATA, _SHORT_NAME, _LONG_NAME, _DISPLAY_NAME = 0x3701, 0x3704, 0x3707, 0x3001
_CONTENT_ID, _FLAGS, _HIDDEN = 0x3712, 0x3714, 0x7FFE
"""Numbers of properties. Source: MS-OXPROPS."""

_SHOWN_IN_TEXT = 4
"""The flag of an attachment that the HTML shows."""

_STRING8 = 0x1E
_INNER = "__substg1.0_3701000D"
"""The storage of a message in an attachment."""

_HEADER, _INNER_HEADER, _ATTACHMENT_HEADER = 32, 24, 8
"""Bytes before the properties of a message, of one in another, and of an attachment."""

_MAX_INNER = 20
"""Messages in each other that are read. Chosen: long exchanges are quoted, not nested."""

_PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".emf", ".wmf")
_DAMAGED = (ValueError, LookupError, struct.error, AssertionError, AttributeError, TypeError, OSError)


def read(data: bytes) -> Iterator[Extract | BadRow]:
    """Yield the message. Its attachments are members. Some programs give plain messages this suffix, too.

    Raises:
        ReadError: while iterating, if it cannot be read, or holds nothing.
    """
    from olefile import isOleFile

    if not isOleFile(data=data):
        yield from mailbox.read(data)
        return
    message = _load(data)
    letter = _Letter()
    blocks, facts = letter.read(message, 0), _facts(message)
    if not blocks and not letter.attachments and not letter.notes:
        raise ReadError("is a message without text")
    text, headings, tables = assemble(blocks or [Block(facts.get("title") or "(no text)")])
    members = tuple(letter.attachments)
    yield Extract(text, facts, headings, tables=tables, notes=tuple(letter.notes), members=members)


class _Item:
    """A message or an attachment: what it holds, by the numbers of its properties."""

    def __init__(self, storage: Any, header: int) -> None:
        from oxmsg.properties import Properties

        self.storage = storage
        self.properties: Any = Properties(storage, header)

    def binary(self, number: int) -> bytes | None:
        """Return a property's bytes, or None."""
        try:
            data: bytes | None = self.properties.binary_prop_value(number)
        except _DAMAGED:
            return None
        return data

    def string(self, number: int) -> str:
        """Return a property's text, in whatever encoding it really is; empty if there is none."""
        try:
            return printable(self.properties.str_prop_value(number) or "").replace("\r\n", "\n")
        except (UnicodeDecodeError, LookupError):
            streams = {stream.name: stream.bytes_ for stream in self.storage.streams}
            data = streams.get(f"__substg1.0_{number:04X}{_STRING8:04X}", b"")
            return printable(data.decode("utf-8", "replace")).replace("\r\n", "\n")

    def day(self, number: int) -> str | None:
        """Return the day of a time, in UTC, or None."""
        try:
            time = self.properties.date_prop_value(number)
        except (*_DAMAGED, OverflowError):
            return None
        return time.date().isoformat() if time else None

    def number(self, number: int) -> int:
        """Return a whole number or a truth value; 0 if there is none."""
        return int(self.properties.int_prop_value(number) or 0)


def _load(data: bytes) -> _Item:
    from olefile import OleFileIO
    from oxmsg.storage import Storage

    try:
        with OleFileIO(data) as file:
            return _Item(Storage.from_ole(file), _HEADER)
    except _DAMAGED as error:
        raise ReadError(f"is not an Outlook message that can be read: {error}") from error


class _Letter:
    """Collects the text of a message and of those in it.

    Attributes:
        attachments: the files attached to them.
        notes: what was not read.
    """

    def __init__(self) -> None:
        self.attachments: list[Member] = []
        self.notes: list[str] = []

    def read(self, message: _Item, depth: int) -> Blocks:
        """Return the text of a message that is in so many others."""
        markup = self._markup(message)
        text = message.string(_BODY).strip("\n")
        plain: Blocks = [Block(text)] if text.strip() else []
        rich = html_text(markup)
        found = (rich if says_more(rich, plain) else plain) or self._rich_text(message)
        for storage in message.storage.iter_attachment_storages():
            found = found + self._attachment(_Item(storage, _ATTACHMENT_HEADER), markup, depth)
        return found

    def _markup(self, message: _Item) -> str:
        data = message.binary(_HTML)
        if data is None:
            return message.string(_HTML)
        if b"charset=" in data.lower():
            text, notes = decode_markup(data)
        else:
            text, notes = decode_text(data, message.properties.body_encoding)
        self.notes += notes
        return text

    def _rich_text(self, message: _Item) -> Blocks:
        """Return the text that is there as compressed RTF only."""
        from compressed_rtf import decompress

        data = message.binary(_RTF)
        if not data:
            return []
        try:
            text = rtf.read(decompress(data).rstrip(b"\0")).text
        except Exception as error:  # noqa: BLE001 -- the library raises nothing more special
            self.notes.append(f"the message's rich text cannot be read: {error}")
            return []
        return [Block(text)] if text.strip() else []

    def _attachment(self, attachment: _Item, markup: str, depth: int) -> Blocks:
        """Keep a file, but not a picture that the text shows, or return the text of a message."""
        name = _file_name(attachment)
        inner = next((part for part in attachment.storage.storages if part.name == _INNER), None)
        if inner is not None and depth < _MAX_INNER and "__properties_version1.0" in _streams(inner):
            message = _Item(inner, _INNER_HEADER)
            return [*_letterhead(message), *self.read(message, depth + 1)]
        data = attachment.binary(_DATA)
        if not data:
            self.notes.append(f"attachment {name} was not read: it is no file")
        elif name.lower().endswith(_PICTURES) and _is_shown(attachment, markup):
            self.notes.append(f"attachment {name} was not read")
        else:
            self.attachments.append(Member(name.replace("/", "_"), data))
        return []


def _streams(storage: Any) -> set[str]:
    return {stream.name for stream in storage.streams}


def _file_name(attachment: _Item) -> str:
    names = (attachment.string(number) for number in (_LONG_NAME, _SHORT_NAME, _DISPLAY_NAME))
    return next(filter(None, map(one_line, names)), "attachment")


def _is_shown(attachment: _Item, markup: str) -> bool:
    name = attachment.string(_CONTENT_ID).strip("<> ")
    shown = attachment.number(_FLAGS) & _SHOWN_IN_TEXT or attachment.number(_HIDDEN)
    return bool(shown or (name and f"cid:{name}" in markup))


def _letterhead(message: _Item) -> Blocks:
    lines = [("From", _sender(message)), ("Date", _sent(message)), ("Subject", message.string(_SUBJECT))]
    heads = "\n".join(f"{name}: {one_line(value)}" for name, value in lines if value)
    return [Block(heads)]


def _facts(message: _Item) -> Facts:
    """Return the metadata: what the headers of the transport say comes first."""
    facts = Facts()
    facts.add("title", one_line(message.string(_SUBJECT)), "file")
    facts.fill_from(facts_of(parse_message(message.string(_HEADERS).encode("utf-8", "replace"))))
    facts.add("author", _sender(message), "file")
    facts.add("published", _sent(message), "file")
    return facts


def _sender(message: _Item) -> str | None:
    names = (message.string(number) for number in (_SENDER, _REPRESENTED, _SMTP, _ADDRESS))
    return next(filter(None, map(one_line, names)), None)


def _sent(message: _Item) -> str | None:
    return message.day(_SENT) or message.day(_DELIVERED)
