"""Plain text as it stands in messages: flowed (RFC 3676), enriched (RFC 1896), or as it is."""

from __future__ import annotations

import binascii
import re
from email.message import Message

from qa.readers.extract import Member, printable
from qa.readers.mail.flowed import unwrap

_ENRICHED = re.compile(r"<<|<param>.{0,1000}?</param>|</?[A-Za-z0-9-]{1,60}>|\n+", re.DOTALL | re.IGNORECASE)
_RICH = re.compile(
    r"<comment>.{0,1000}?</comment>|</?[A-Za-z0-9-]{1,60}>|\n[ \t]*", re.DOTALL | re.IGNORECASE
)
_OF_RICH = {"<nl>": "\n", "<lt>": "<", "<np>": "\n\n", "</paragraph>": "\n\n"}

_UUENCODED = re.compile(
    r"^begin [0-7]{3,4} ([^\n]{1,200})\n((?:[!-`][ -`]{0,86}\n)++)(?:[` ]?\n)?end[ \t]*\n?", re.MULTILINE
)
"""A file in the text, as mail had them before MIME."""


def take_files(text: str) -> tuple[str, list[Member]]:
    """Return a text without the files that stand in it uuencoded, and those files."""
    files: list[Member] = []

    def take(file: re.Match[str]) -> str:
        try:
            data = b"".join(map(binascii.a2b_uu, file[2].encode("ascii").splitlines()))
        except binascii.Error:
            return file[0]
        files.append(Member(file[1].strip().replace("/", "_"), data))
        return ""

    return _UUENCODED.sub(take, text).strip("\n"), files


def plain_text(part: Message, text: str) -> str:
    r"""Return the text of a part as a person reads it, in lines that end with ``\n``."""
    text = printable(text.replace("\r\n", "\n").replace("\r", "\n"))
    kind = part.get_content_type()
    if kind == "text/enriched":
        text = _ENRICHED.sub(_of_enriched, text)
    elif kind == "text/richtext":
        text = _RICH.sub(lambda mark: _of_rich(mark[0]), text)
    elif _parameter(part, "format") == "flowed":
        text = unwrap(text, delete_space=_parameter(part, "delsp") == "yes")
    return text.strip("\n")


def _parameter(part: Message, name: str) -> str:
    return str(part.get_param(name) or "").strip().lower()


def _of_enriched(mark: re.Match[str]) -> str:
    """Return what a mark of ``text/enriched`` stands for. One line end is a space, n of them are n - 1."""
    if mark[0] == "<<":
        return "<"
    return (mark[0][1:] or " ") if mark[0].startswith("\n") else ""


def _of_rich(mark: str) -> str:
    """Return what a mark of the older ``text/richtext`` stands for."""
    return " " if mark.startswith("\n") else _OF_RICH.get(mark.lower(), "")
