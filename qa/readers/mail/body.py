"""The text of a message: all parts of text that stand in it, and the messages that it forwards."""

from __future__ import annotations

import email
import email.policy
import mimetypes
import re
from email.message import EmailMessage, Message

from qa.errors import ReadError
from qa.readers.extract import Block, Member, one_line
from qa.readers.html.article import decode_markup
from qa.readers.mail import calendars
from qa.readers.mail.alternatives import Blocks, html_text, says_more, text_of
from qa.readers.mail.charsets import decode_text
from qa.readers.mail.letterhead import charset_of, decode_words, header, readable
from qa.readers.mail.plain_parts import plain_text, take_files
from qa.readers.mail.transfer import payload, transfer_encoding
from qa.readers.plain_text import Decoded

_HTML = frozenset({"text/html", "application/xhtml+xml", "text/x-amp-html", "text/watch-html"})
_SECOND_RATE = frozenset({"text/x-amp-html", "text/watch-html"})
"""HTML that is made for some programs only, beside that for all others."""

_MESSAGES = frozenset({"message/rfc822", "message/global"})
_NOT_SHOWN = frozenset(
    {
        "text/calendar",
        "text/css",
        "text/csv",
        "text/tab-separated-values",
        "text/javascript",
        "text/rtf",
        "text/vcard",
        "text/x-vcard",
    }
)
"""Kinds of text that are not read as it stands in the file."""

_CALENDARS = frozenset({"text/calendar", "application/ics"})
_SIGNATURES = frozenset(
    {"application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature"}
)

_BOUNDARY = re.compile(rb"^--([^\s\"]{1,70})[ \t]*\r?\nContent-", re.MULTILINE)
"""The beginning of a part."""


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
        self._calendars: set[bytes] = set()
        self.blocks = self._read(message, whole=True)

    def _read(self, part: Message, *, whole: bool = False) -> Blocks:
        kind = part.get_content_type()
        if kind in _MESSAGES and part.is_multipart():
            return self._forwarded(part)
        if part.get_content_maintype() == "multipart":
            several = part if part.is_multipart() else _with_boundary(part)
            if several is not None:
                return self._parts(kind, _children(several))
        if part.get_content_maintype() == "message" and part.is_multipart():
            return [block for child in _children(part) for block in self._report(child)]
        attached = not whole and _is_attached(part)
        if kind == "text/calendar" and not attached:
            return self._invitation(part, "")
        if attached or not _is_text(part):
            self._attach(part)
            return []
        return self._text(part)

    def _parts(self, kind: str, children: list[Message]) -> Blocks:
        if kind == "multipart/alternative":
            return self._alternative(children)
        if kind == "multipart/encrypted":
            self.notes.append("the message is encrypted")
        found: Blocks = []
        for child in children:
            if child.get_content_type() == "text/calendar" and not _is_attached(child):
                found += self._invitation(child, text_of(found))
            else:
                found += self._read(child)
        return found

    def _alternative(self, children: list[Message]) -> Blocks:
        """Return the plain text, or the HTML where it says more."""
        plain: Blocks = []
        rich: Blocks = []
        second_rate: Blocks = []
        for child in children:
            kind = child.get_content_type()
            if kind == "text/plain":
                plain = plain or self._read(child)
            elif kind in _SECOND_RATE:
                second_rate = self._read(child) or second_rate
            elif kind != "text/calendar":
                rich = self._read(child) or rich
        rich = rich or second_rate
        chosen = rich if says_more(rich, plain) else plain
        for child in children:
            if child.get_content_type() == "text/calendar":
                chosen = chosen + self._invitation(child, text_of(chosen))
        return chosen

    def _invitation(self, part: Message, beside: str) -> Blocks:
        """Return the events of a calendar, but those that stand in the message already."""
        data, _ = payload(part)
        if _lean(data) in self._calendars:
            return []
        self._calendars.add(_lean(data))
        try:
            return calendars.blocks(data, part.get_content_charset(), beside)
        except ReadError as error:
            self.notes.append(f"a calendar in the message {error}")
            return []

    def _report(self, part: Message) -> Blocks:
        """Return the fields of a report on delivery, or of a part that is elsewhere."""
        lines = [f"{name}: {one_line(str(value))}" for name, value in part.raw_items()]
        rest = [] if part.is_multipart() or not payload(part)[0].strip() else self._text(part)
        return [Block("\n".join(lines)), *rest] if lines else rest

    def _forwarded(self, part: Message) -> Blocks:
        message = _inner(part)
        lines = [(name, header(message, name)) for name in ("From", "Date", "Subject")]
        heads = "\n".join(f"{name}: {value}" for name, value in lines if value)
        return [Block(heads), *self._read(message, whole=True)]

    def _text(self, part: Message) -> Blocks:
        data, after = payload(part)
        charset = part.get_content_charset()
        is_html = part.get_content_type() in _HTML
        try:
            text, notes = decode_markup(data) if is_html and not charset else decode_text(data, charset)
        except ReadError as error:
            text, notes = _replaced(data, error)
        self.notes += notes
        plain, files = ("", []) if is_html else take_files(plain_text(part, text))
        self.attachments += files
        found = html_text(text) if is_html else _lines(plain)
        return found + _lines(decode_text(after, charset).text)

    def _attach(self, part: Message) -> None:
        """Keep an attachment, but not a picture that the text shows, such as a logo."""
        name, kind = self._name(part), part.get_content_type()
        data, _ = payload(part)
        if kind in _SIGNATURES or (kind in _CALENDARS and _lean(data) in self._calendars):
            return
        shown = part.get_content_disposition() != "attachment" and (not name or "Content-ID" in part)
        if shown and kind.startswith("image/"):
            self.notes.append(f"attachment {name or kind} was not read")
            return
        name = name or f"attachment{mimetypes.guess_extension(kind) or ''}"
        self.attachments.append(Member(name.replace("/", "_"), data))

    def _name(self, part: Message) -> str:
        """Return the name of the file that a part is, without folders; empty if it has none."""
        name = decode_words(readable(part.get_filename() or "", self._charset))
        name = name.rpartition("\\")[2]
        if name and "." not in name:
            name += mimetypes.guess_extension(part.get_content_type()) or ""
        return name


def _is_text(part: Message) -> bool:
    kind = part.get_content_type()
    if part.get_content_maintype() == "multipart":  # without the boundary that it needs
        return True
    return kind in _HTML or (part.get_content_maintype() == "text" and kind not in _NOT_SHOWN)


def _is_attached(part: Message) -> bool:
    return part.get_content_disposition() == "attachment"


def _children(part: Message) -> list[Message]:
    return [child for child in part.get_payload() if isinstance(child, Message)]


def _replaced(data: bytes, error: ReadError) -> Decoded:
    """Return a part of text whose encoding cannot be detected, for the rest of the message is good."""
    if b"\0" in data:
        return Decoded("", (f"a part of the message {error}",))
    return Decoded(data.decode("utf-8", "replace"), (f"a part of the message {error}",))


def _lean(data: bytes) -> bytes:
    """Return a calendar's bytes as they are in every transfer encoding."""
    return data.replace(b"\r\n", b"\n").strip()


def _lines(text: str) -> Blocks:
    return [Block(text)] if text.strip() else []


def _with_boundary(part: Message) -> Message | None:
    """Return a part of several whose declared boundary is missing or wrong, with the one that it uses."""
    data, _ = payload(part)
    found = _BOUNDARY.search(data)
    if found is None:
        return None
    mended = parse_message(b'Content-Type: multipart/mixed; boundary="' + found[1] + b'"\n\n' + data)
    return mended if mended.is_multipart() else None


def _inner(part: Message) -> EmailMessage:
    """Return a forwarded message, even one in base64, which the standard forbids."""
    inner: EmailMessage = _children(part)[0]  # type: ignore[assignment]
    encoding = transfer_encoding(part)
    if encoding in ("base64", "quoted-printable") and "Content-Transfer-Encoding" not in inner:
        inner["Content-Transfer-Encoding"] = encoding
        headless = len(inner.keys()) == 1
        return parse_message(payload(inner)[0]) if headless else inner
    return inner


def parse_message(data: bytes) -> EmailMessage:
    """Parse bytes as a message, whether they are one or not."""
    return email.message_from_bytes(data, _class=EmailMessage, policy=email.policy.default)
