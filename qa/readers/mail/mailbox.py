"""Mailboxes (mbox): files of messages, each after a line that begins with "From "."""

from __future__ import annotations

import re
from collections.abc import Iterator

from qa.errors import ReadError
from qa.readers.extract import Extract, printable
from qa.readers.mail import message
from qa.readers.size_limits import MAX_KEY_LENGTH
from qa.readers.tables import BadRow

NAMES = frozenset(
    {"mbox", "inbox", "outbox", "sent", "drafts", "trash", "junk", "archives", "unsent messages"}
)
"""Names that mail programs give to mailboxes, without a suffix."""

_SEPARATOR = re.compile(
    rb"^From [^\r\n]{0,500}?\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? [^\r\n]{0,60}\d{1,2}:\d\d[^\r\n]{0,60}\r?\n"
    rb"(?=>?[!-9;-~]{1,100}:|>From )"
    rb"|(?:(?<=\n\n)|(?<=\n\r\n)|(?<![\x00-\xff]))"
    rb"From (?:-|[^\s@]{1,300}@[^\s@]{1,300}|\S{0,300} {1,3}\d{4}-\d\d-\d\d[T ]\d\d:[^\r\n]{0,60})[ \t]*\r?\n"
    rb"(?=[A-Z][!-9;-~]{1,100}: )",
    re.MULTILINE,
)
"""A sender and a date, with a header on the next line: a sentence may begin with "From " too.

Without a date, or with one of digits only, it follows a blank line.
"""

_QUOTED = re.compile(rb"^>(>*From )", re.MULTILINE)
_LENGTH = re.compile(rb"^Content-Length:[ \t]*(\d{1,12})[ \t]*\r?$", re.MULTILINE | re.IGNORECASE)
_HEADERS_END = re.compile(rb"\r?\n\r?\n")
_BLANK_LINES = re.compile(rb"[\r\n]*")
_NO_MESSAGE = "Mail System Internal Data"
"""Who a mail server says has sent what it keeps for itself at the beginning of a mailbox."""

_BLANK = b"\xef\xbb\xbf\r\n"


def read(data: bytes) -> Iterator[Extract | BadRow]:
    """Yield the messages of a mailbox, or a lone message without a key, whatever the file's name says."""
    start = data[: len(_BLANK)]
    offset = len(start) - len(start.lstrip(_BLANK))
    if _SEPARATOR.match(data, offset):
        yield from _messages(data)
    else:
        yield message.read(data)


def _messages(data: bytes) -> Iterator[Extract | BadRow]:
    keys: set[str] = set()
    for number, raw in enumerate(_split(data), start=1):
        key = str(number)
        try:
            parsed = message.parse(_QUOTED.sub(rb"\1", raw))
            if number == 1 and _NO_MESSAGE in str(parsed.get("From", "")):
                continue
            own = printable(str(parsed.get("Message-ID", ""))).strip().strip("<>")
            # A copy in the same mailbox keeps its number.
            if 0 < len(own) <= MAX_KEY_LENGTH and own not in keys:
                key = own
            keys.add(key)
            yield message.extract(parsed, key)
        except ReadError as error:
            yield BadRow(key, str(error))
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            yield BadRow(key, f"cannot be read: {type(error).__name__}: {error}")


def _split(data: bytes) -> Iterator[bytes]:
    """Yield the bytes of each message, without the line before it."""
    start = end = 0
    for separator in _SEPARATOR.finditer(data):
        if separator.start() < end:  # inside a message that tells its length
            continue
        if start:
            yield data[start : separator.start()]
        start = separator.end()
        end = _end(data, start)
    yield data[start:]


def _end(data: bytes, start: int) -> int:
    """Return where a message ends by its Content-Length, if another one or nothing follows; else 0."""
    body = _HEADERS_END.search(data, start)
    length = _LENGTH.search(data, start, body.start()) if body else None
    if not body or not length:
        return 0
    end = body.end() + int(length[1])
    blank = _BLANK_LINES.match(data, end)
    follows = blank.end() if blank and end <= len(data) else -1
    return end if follows == len(data) or (follows > 0 and data.startswith(b"From ", follows)) else 0
