"""The bytes of parts behind their transfer encodings, also damaged ones."""

from __future__ import annotations

import base64
import binascii
import re
from email.message import Message
from typing import Any

_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")
_BASE64_LINE = re.compile(rb"[A-Za-z0-9+/]*={0,2}[ \t]*")
_LONG_BASE64 = re.compile(rb"[A-Za-z0-9+/]{40,}={0,2}")
_ENDS_BASE64 = re.compile(rb"[=\s_-]")
_SPACE_AT_SOFT_BREAK = re.compile(rb"=[ \t]++(?=\r?\n)")
_QUAD = 4
"""Digits of base64 that make three bytes."""


def payload(part: Message) -> tuple[bytes, bytes]:
    """Return the bytes of a part, and those of plain text after them, such as a mailing list's footer."""
    encoding = transfer_encoding(part)
    if encoding not in ("base64", "quoted-printable"):
        data: Any = part.get_payload(decode=True)  # the library knows uuencode
        return data if isinstance(data, bytes) else b"", b""
    declared = part["Content-Transfer-Encoding"]
    del part["Content-Transfer-Encoding"]  # so that the library returns the bytes as they stand there
    raw: Any = part.get_payload(decode=True)
    part.set_raw("Content-Transfer-Encoding", str(declared))
    data = raw if isinstance(raw, bytes) else b""
    if encoding == "base64":
        return _base64_body(data)
    return binascii.a2b_qp(_SPACE_AT_SOFT_BREAK.sub(b"=", data)), b""


def transfer_encoding(part: Message) -> str:
    """Return the transfer encoding that a part declares."""
    words = str(part.get("Content-Transfer-Encoding", "")).lower().replace(";", " ").split()
    return words[0].strip("\"'") if words else ""


def _base64_body(data: bytes) -> tuple[bytes, bytes]:
    lines = data.splitlines()
    end = next((number for number, line in enumerate(lines) if _ENDS_BASE64.search(line.strip())), len(lines))
    end += bool(lines[end:] and _BASE64_LINE.fullmatch(lines[end]))
    after = lines[end:]
    rest = b"\n".join(after).strip()
    is_text = b" " in rest and not any(map(_LONG_BASE64.fullmatch, rest.split()))
    if not is_text:
        return decode_base64(data), b""
    before = b"\n".join(lines[:end])
    if not before.strip():  # text that says that it is base64
        return data, b""
    return decode_base64(before), rest


def decode_base64(data: bytes) -> bytes:
    """Decode base64. A damaged line costs no more than itself."""
    given = data.splitlines()
    lines = [_NOT_BASE64.sub(b"", line) for line in given]
    fitting = sum(len(line) % _QUAD == 0 for line in lines[:-1])
    is_padded_within = any(b"=" in line for line in given[:-1])
    if fitting == len(lines) - 1 or fitting * 2 > len(lines) or is_padded_within:
        return b"".join(map(_digits, lines))
    return _digits(b"".join(lines))


def _digits(digits: bytes) -> bytes:
    usable = len(digits) - (len(digits) % _QUAD == 1)
    return base64.b64decode(digits[:usable] + b"=" * (-usable % _QUAD))
