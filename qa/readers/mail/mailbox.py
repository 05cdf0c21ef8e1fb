"""Mailboxes (mbox): files of messages, each after a line that begins with "From "."""

from __future__ import annotations

import re
from collections.abc import Iterator

from qa.errors import ReadError
from qa.readers.extract import Extract, printable
from qa.readers.mail import message
from qa.readers.size_limits import MAX_KEY_LENGTH
from qa.readers.tables import BadRow

_SEPARATOR = re.compile(
    rb"^From [^\r\n]{0,500}?\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? [^\r\n]{0,60}\d{1,2}:\d\d[^\r\n]{0,60}\r?\n"
    rb"(?=>?[!-9;-~]{1,100}:|>From )",
    re.MULTILINE,
)
"""A sender and a date, with a header on the next line: a sentence may begin with "From " too."""

_QUOTED = re.compile(rb"^>(>*From )", re.MULTILINE)
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
            own = printable(str(parsed.get("Message-ID", ""))).strip().strip("<>")
            if (
                0 < len(own) <= MAX_KEY_LENGTH and own not in keys
            ):  # a copy in the same mailbox has its number
                key = own
            keys.add(key)
            yield message.extract(parsed, key)
        except ReadError as error:
            yield BadRow(key, str(error))
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            yield BadRow(key, f"cannot be read: {type(error).__name__}: {error}")


def _split(data: bytes) -> Iterator[bytes]:
    """Yield the bytes of each message, without the line before it."""
    start = 0
    for separator in _SEPARATOR.finditer(data):
        if start:
            yield data[start : separator.start()]
        start = separator.end()
    yield data[start:]
