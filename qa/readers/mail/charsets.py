"""Text in the encodings that mail names: those of the web, and some that only mail has."""

from __future__ import annotations

import codecs
import re

from qa.readers.encodings import codec_of, decode_declared
from qa.readers.plain_text import Decoded, decode_leniently, replace_damaged

_NO_CHARSETS = frozenset(
    {"us-ascii", "ascii", "ansi_x3.4-1968", "unknown-8bit", "x-unknown", "8bit", "binary"}
)
"""Labels that say nothing of bytes beyond ASCII."""

_ONLY_IN_MAIL = {
    **dict.fromkeys(("utf-7", "unicode-1-1-utf-7", "csunicode11utf7"), "utf-7"),
    **dict.fromkeys(("iso-2022-kr", "csiso2022kr"), "iso2022_kr"),
    **dict.fromkeys(("hz-gb-2312", "hz"), "hz"),
}
"""Encodings that the web's standard forbids, for they hide markup, with Python's names for them."""

_NO_TEXT = frozenset({"idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape"})
"""Python's codecs that are no encodings of files."""

_SHIFTS = re.compile(rb"\x1b(\$[@B]|\([BJI])")
_PAIR = re.compile(rb"[\x21-\x7e]{2}")
_LEADS = (*range(0x81, 0xA0), *range(0xE0, 0xF0))
_ODD_CELLS = (*range(0x40, 0x7F), *range(0x80, 0x9F))
_KATAKANA = bytes(range(0x21)) + bytes(range(0xA1, 0xE0)) + bytes(range(0x60, 0x100))
_TWO_BYTES = frozenset({b"$@", b"$B"})


def decode_text(data: bytes, label: str | None) -> Decoded:
    """Decode the text of a part or of a header.

    Args:
        data: the encoded text.
        label: its charset as declared, or None.

    Raises:
        ReadError: it is not text, or its encoding cannot be detected.
    """
    name = (label or "").strip("\"' \t\r\n").lower()
    if not name or name in _NO_CHARSETS:
        return _detect(data)
    if name.startswith(("iso-2022-jp", "csiso2022jp", "cp5022", "x-windows-iso2022jp")):
        return _japanese(data)
    if codec := _ONLY_IN_MAIL.get(name) or ("" if codec_of(name) else _python_codec(name)):
        return _decode(data, codec)
    return decode_declared(data, name)


def _detect(data: bytes) -> Decoded:
    return _japanese(data) if data.isascii() and _SHIFTS.search(data) else decode_leniently(data)


def _decode(data: bytes, codec: str) -> Decoded:
    try:
        return Decoded(data.decode(codec), ())
    except UnicodeDecodeError:
        return replace_damaged(data, codec) or decode_leniently(data)


def _python_codec(name: str) -> str | None:
    """Return Python's codec for a label that the web does not know, such as cp437."""
    try:
        codec = codecs.lookup(name).name
        b"".decode(codec)
    except (LookupError, ValueError):  # ValueError: a NUL in the name
        return None
    return None if codec.replace("_", "-") in _NO_TEXT else codec


def _japanese(data: bytes) -> Decoded:
    """Decode ISO-2022-JP. Mail programs add the signs of Windows to it, such as circled digits."""
    try:
        return Decoded(data.decode("iso2022_jp_2"), ())
    except UnicodeDecodeError:
        pass
    if not data.isascii():
        return decode_leniently(data)
    start, *shifted = _SHIFTS.split(data)
    parts = [start] + [_shift(*part) for part in zip(shifted[::2], shifted[1::2], strict=True)]
    return _decode(b"".join(parts), "cp932")


def _shift(shift: bytes, data: bytes) -> bytes:
    """Return bytes that follow an escape sequence of ISO-2022-JP in Shift JIS, which holds the same rows."""
    if shift in _TWO_BYTES:
        return _PAIR.sub(lambda pair: _shift_pair(*pair[0]), data)
    return data.translate(_KATAKANA) if shift == b"(I" else data


def _shift_pair(row: int, cell: int) -> bytes:
    """Return a character in Shift JIS. A lead byte covers two rows.

    Args:
        row: its row, from 0x21.
        cell: its place in the row, from 0x21.
    """
    lead = (row - 0x21) // 2
    place = cell + 0x7E if row % 2 == 0 else _ODD_CELLS[cell - 0x21]
    return bytes((_LEADS[lead], place))
