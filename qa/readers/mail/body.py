"""The text of a message: all parts of text that stand in it, and the messages that it forwards."""

from __future__ import annotations

import email
import email.policy
import mimetypes
import re
from collections.abc import Iterator
from email.message import EmailMessage, Message
from typing import Any

from qa.readers.extract import Block, Member, printable
from qa.readers.grid import Grid
from qa.readers.html.article import decode_markup, parse
from qa.readers.html.blocks import blocks as html_blocks
from qa.readers.mail.charsets import decode_text
from qa.readers.mail.letterhead import charset_of, decode_words, header, readable

Blocks = list[Block | Grid]

_HTML = frozenset({"text/html", "application/xhtml+xml"})
_MESSAGES = frozenset({"message/rfc822", "message/global"})
_NOT_SHOWN = frozenset(
    {
        "text/calendar",
        "text/css",
        "text/javascript",
        "text/rtf",
        "text/richtext",
        "text/vcard",
        "text/x-vcard",
    }
)
"""Kinds of text that are not read as it stands in the file."""

_MARKUP = re.compile(
    r"\s*<(?:!doctype|html|head|body|div|table|p|meta|style|span|font|center)\b[^<>]*>", re.IGNORECASE
)
_STUB = re.compile(r"\bhtml\b", re.IGNORECASE)
_STUB_LENGTH = 500
"""Characters of the longest text that only says that the message is HTML."""

_SIGNS = re.compile(r"[\W_]+")
_SHINGLE = 5
"""Letters in the pieces by which two texts are compared: whatever their lines, spaces and marks."""

_MIN_SHARED = 0.7
"""The share of the HTML's pieces that plain text must have. Chosen: a link or hidden preview is less."""

_HTML_COMPARED, _PLAIN_COMPARED = 20_000, 200_000
"""Letters that are compared. Plain text has more of them for the same content: addresses of links."""


class Body:
    """Collects the text of a message.

    Attributes:
        blocks: its text.
        attachments: the files attached to it.
        notes: what was damaged, and pictures in its text that were not read.
    """

    def __init__(self, message: EmailMessage) -> None:
        self.notes: list[str] = []
        self.attachments: list[Member] = []
        self._charset = charset_of(message)
        self.blocks = self._read(message, whole=True)

    def _read(self, part: Message, *, whole: bool = False) -> Blocks:
        kind = part.get_content_type()
        if kind in _MESSAGES and part.is_multipart():
            return self._forwarded(part)
        if part.get_content_maintype() == "multipart" and part.is_multipart():
            children = [child for child in part.get_payload() if isinstance(child, Message)]
            if kind == "multipart/alternative":
                return self._alternative(children)
            return [block for child in children for block in self._read(child)]
        attached = not whole and part.get_content_disposition() == "attachment"
        if attached or not _is_text(part):
            self._attach(part)
            return []
        return self._text(part)

    def _alternative(self, children: list[Message]) -> Blocks:
        """Return the plain text, or the HTML where it says more."""
        plain: Blocks = []
        rich: Blocks = []
        for child in children:
            if child.get_content_type() == "text/plain":
                plain = plain or self._read(child)
            else:
                rich = self._read(child) or rich
        return rich if _says_more(rich, plain) else plain

    def _forwarded(self, part: Message) -> Blocks:
        message = _inner(part)
        lines = [(name, header(message, name)) for name in ("From", "Date", "Subject")]
        heads = "\n".join(f"{name}: {value}" for name, value in lines if value)
        return [Block(heads), *self._read(message, whole=True)]

    def _text(self, part: Message) -> Blocks:
        data = _bytes_of(part)
        charset = part.get_content_charset()
        is_html = part.get_content_type() in _HTML
        text, notes = decode_markup(data) if is_html and not charset else decode_text(data, charset)
        self.notes += notes
        if is_html:
            return list(_markup(text))
        lines = printable(text.replace("\r\n", "\n").replace("\r", "\n")).strip("\n")
        return [Block(lines)] if lines.strip() else []

    def _attach(self, part: Message) -> None:
        """Keep an attachment, but not a picture that the text shows, such as a logo."""
        name, kind = self._name(part), part.get_content_type()
        shown = part.get_content_disposition() != "attachment" and (not name or "Content-ID" in part)
        if shown and kind.startswith("image/"):
            self.notes.append(f"attachment {name or kind} was not read")
            return
        name = name or f"attachment{mimetypes.guess_extension(kind) or ''}"
        self.attachments.append(Member(name.replace("/", "_"), _bytes_of(part)))

    def _name(self, part: Message) -> str:
        name = part.get_filename()
        return decode_words(readable(name, self._charset)) if name else ""


def _is_text(part: Message) -> bool:
    kind = part.get_content_type()
    if part.get_content_maintype() == "multipart":  # without the boundary that it needs
        return True
    return kind in _HTML or (part.get_content_maintype() == "text" and kind not in _NOT_SHOWN)


def _bytes_of(part: Message) -> bytes:
    data: Any = part.get_payload(decode=True)
    return data if isinstance(data, bytes) else b""


def _markup(text: str) -> Iterator[Block | Grid]:
    if text.strip():
        yield from html_blocks(parse(text))


def _inner(part: Message) -> EmailMessage:
    """Return a forwarded message, even one in base64, which the standard forbids."""
    payload: Any = part.get_payload()
    inner: EmailMessage = payload[0]
    encoding = str(part.get("Content-Transfer-Encoding", "")).strip().lower()
    if encoding in ("base64", "quoted-printable") and not inner.keys():
        inner["Content-Transfer-Encoding"] = encoding
        return parse_message(_bytes_of(inner))
    return inner


def parse_message(data: bytes) -> EmailMessage:
    """Parse a message, whatever it is."""
    return email.message_from_bytes(data, _class=EmailMessage, policy=email.policy.default)


def _says_more(rich: Blocks, plain: Blocks) -> bool:
    """Whether HTML has what the plain text lacks: that is empty, a stub, markup or a footer."""
    if not rich or not plain:
        return bool(rich)
    text = "\n".join(block.text for block in plain)
    if _MARKUP.match(text):
        return True
    wanted = _letters("\n".join(block.text for block in rich))
    pieces = _shingles(wanted[:_HTML_COMPARED])
    given = _letters(text)
    if len(pieces & _shingles(given[:_PLAIN_COMPARED])) >= _MIN_SHARED * len(pieces):
        return False
    return len(wanted) > len(given) or (len(text) <= _STUB_LENGTH and bool(_STUB.search(text)))


def _letters(text: str) -> str:
    return _SIGNS.sub("", text).lower()


def _shingles(letters: str) -> set[str]:
    return {letters[start : start + _SHINGLE] for start in range(max(1, len(letters) - _SHINGLE + 1))}
