"""The encodings of an RTF file: its own, and those of its fonts."""

from __future__ import annotations

import codecs
from collections.abc import Sequence

_CHARACTER_SETS = {
    77: "mac_roman", 128: "cp932", 129: "cp949", 130: "johab", 134: "gb18030", 136: "big5", 161: "cp1253",
    162: "cp1254", 163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874",
    238: "cp1250",
}  # fmt: skip
_OF_FILES = {"mac": "mac_roman", "pc": "cp437", "pca": "cp850", "ansi": "cp1252"}
_SYMBOLS = 2  # the character set of fonts such as Wingdings


class Encodings:
    """Knows how a file's bytes are decoded."""

    def __init__(self) -> None:
        self._default = "cp1252"
        self._fonts: dict[int, str] = {}
        self._symbol_fonts: set[int] = set()
        self._font, self._usual_font = -1, -1

    def word(self, word: str, number: int | None, *, in_table: bool) -> bool:
        """Take note of a control word. Return whether it is about encodings.

        Args:
            word: the control word.
            number: its number.
            in_table: whether it is in the table of fonts.
        """
        if word in _OF_FILES:
            self._default = _OF_FILES[word]
        elif word == "ansicpg":
            self._default = _known(f"cp{number}") or self._default
        elif word == "deff":
            self._usual_font = -1 if number is None else number
        elif in_table and word == "f":
            self._font = -1 if number is None else number
        elif in_table and word == "fcharset" and number == _SYMBOLS:
            self._symbol_fonts.add(self._font)
        elif in_table and word in {"fcharset", "cpg"}:
            name = _known(f"cp{number}") if word == "cpg" else _CHARACTER_SETS.get(number or 0)
            if name:
                self._fonts[self._font] = name
        else:
            return False
        return True

    def decode(self, data: bytes, font: int) -> str:
        """Decode bytes in a font; -1 stands for the usual one. What cannot be decoded becomes U+FFFD."""
        number = self._usual_font if font < 0 else font
        if number in self._symbol_fonts and not data.isascii():
            return data.decode("ascii", "replace").replace("\ufffd", "•")
        return data.decode(self._fonts.get(number, self._default), "replace")


def joined(pieces: Sequence[str]) -> str:
    """Join pieces of text. The two halves of a character beyond U+FFFF may be in different ones."""
    return "".join(pieces).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _known(name: str) -> str | None:
    try:
        return codecs.lookup("utf-8" if name == "cp65001" else name).name
    except LookupError:
        return None
