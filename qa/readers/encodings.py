"""Text whose encoding is declared, by the labels of the web.

Source of the labels: the Encoding Standard of the WHATWG, by the package ``webencodings``.
"""

from __future__ import annotations

import codecs

from qa.errors import ReadError
from qa.readers.plain_text import Decoded, decode_leniently, replace_damaged

_WIDER = {"gbk": "gb18030", "big5": "big5hkscs"}
"""Python's codecs that read more than those of the same name, as browsers do."""

_NO_ENCODINGS = frozenset({"replacement", "x-user-defined"})
"""Names in the standard that stand for no encoding of text."""

_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def decode_declared(data: bytes, label: str | None) -> Decoded:
    """Decode text by its declared encoding.

    A byte-order mark decides; then UTF-8, if the bytes are valid UTF-8 beyond ASCII; then the declaration. A
    few bytes that do not fit cost a character each. If the declaration is missing, unknown or plainly wrong,
    the encoding is detected.

    Args:
        data: the encoded text.
        label: the encoding's name as declared.

    Raises:
        ReadError: it is not text, or its encoding cannot be detected.
    """
    codec = codec_of(label) if label else None
    if codec is None or data.startswith(_MARKS) or _is_utf8_beyond_ascii(data):
        return decode_leniently(data)
    if codec.startswith("utf-16") and b"\0" not in data:  # who could read the declaration knows better
        return decode_leniently(data)
    return decode_as(data, codec)


def decode_as(data: bytes, codec: str) -> Decoded:
    """Decode text by a codec of Python's, if it fits but for a few bytes; else detect the encoding.

    Raises:
        ReadError: it is not text, or its encoding cannot be detected.
    """
    try:
        return Decoded(data.decode(codec), ())
    except UnicodeDecodeError:
        return replace_damaged(data, codec) or _detected(data, codec)


def _detected(data: bytes, codec: str) -> Decoded:
    """Decode text whose encoding is not the declared one, or is that if no other fits."""
    try:
        return decode_leniently(data)
    except ReadError:
        damaged = None if b"\0" in data else replace_damaged(data, codec, tolerated=len(data))
        if damaged is None:
            raise
        return damaged


def codec_of(label: str) -> str | None:
    """Return the name of Python's codec for a label of the web; None if there is none."""
    import webencodings

    encoding = webencodings.lookup(label.strip("\"' \t\r\n\f"))
    if encoding is None or encoding.name in _NO_ENCODINGS:
        return None
    return _WIDER.get(encoding.name, str(encoding.codec_info.name))


def _is_utf8_beyond_ascii(data: bytes) -> bool:
    try:
        return not data.isascii() and bool(data.decode("utf-8"))
    except UnicodeDecodeError:
        return False
