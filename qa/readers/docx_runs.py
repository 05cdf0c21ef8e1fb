"""The text of a DOCX's paragraphs: what a reader of the page sees, and nothing twice."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from qa.readers.docx_numbering import MAIN
from qa.readers.extract import one_line
from qa.readers.numerals import write_number
from qa.readers.office_math import is_math, linear
from qa.readers.superscripts import raise_text

_COMPATIBILITY = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
FALLBACK = f"{_COMPATIBILITY}Fallback"
BOX = f"{MAIN}txbxContent"

_SIGNS = {
    "tab": " ", "ptab": " ", "br": " ", "cr": " ", "noBreakHyphen": "\u2011", "softHyphen": "\u00ad",
}  # fmt: skip
_LEFT_OUT = frozenset({"pPr", "rPr", "del", "moveFrom", "rt", "rubyPr", "instrText", "txbxContent", "sdtPr"})
"""Properties, what was deleted or moved away, pronunciations, instructions; text boxes come later."""

_OFF = frozenset({"0", "false", "off", "none"})

_GREEK = dict(
    zip(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
        "ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖαβχδεφγηιϕκλμνοπθρστυϖωξψζ",
        strict=True,
    )
)
_SYMBOL = dict(
    zip(
        "\xa3\xa5\xae\xac\xb0\xb1\xb2\xb3\xb4\xb6\xb7\xb8\xb9\xba\xbb\xbc\xc6\xc7\xc8\xce\xd1\xd6\xe5\xf2",
        "≤∞→←°±″≥×∂•÷≠≡≈…∅∩∪∈∇√∑∫",
        strict=True,
    )
)
_WINGDINGS = {
    "\x6c": "●", "\x6e": "■", "\x6f": "□", "\xa7": "▪", "\xa8": "◻", "\xd8": "➢", "\xdf": "←", "\xe0": "→",
    "\xfb": "✗", "\xfc": "✓", "\xfd": "☒", "\xfe": "☑",
}  # fmt: skip
_PRIVATE = 0xD800  # from here on, a code is half a surrogate or means something in one font only


def is_on(element: Any, name: str) -> bool:
    """Whether a property that is either on or off is set among an element's children, and on."""
    setting = None if element is None else element.find(f"{MAIN}{name}")
    return setting is not None and setting.get(f"{MAIN}val", "1") not in _OFF


class RunReader:
    """Reads paragraphs in the order of the text. Fields may reach over several of them."""

    def __init__(self, hidden_styles: Collection[str] = ()) -> None:
        """Start before the first paragraph; ``hidden_styles`` are the ids of styles of hidden text."""
        self._hidden = frozenset(hidden_styles)
        self._fields: list[bool] = []  # of each open field, whether its result has begun
        self._raised = False
        self._counts: dict[str, int] = {}
        self.notes: dict[tuple[str, str], str] = {}
        """The marker of each footnote and endnote referred to so far, by its kind and id."""

    def text(self, paragraph: Any) -> str:
        """Return a paragraph's own text, on one line."""
        pieces: list[str] = []
        if not is_on(paragraph.find(f"{MAIN}pPr/{MAIN}rPr"), "vanish") or len(paragraph) > 1:
            for piece in self._pieces(paragraph):
                before = pieces[-1] if pieces else ""
                pieces.append(raise_text(piece, before) if self._raised else piece)
        self._fields = [begun for begun in self._fields if begun]  # an instruction ends with its paragraph
        return one_line("".join(pieces))

    def _pieces(self, element: Any) -> Iterator[str]:
        for child in element:
            if not isinstance(child.tag, str) or child.tag == FALLBACK:
                continue
            name = child.tag.rpartition("}")[2]
            if is_math(child):
                yield from self._visible(f" {linear(child)} " if name == "oMathPara" else linear(child))
            elif not child.tag.startswith(MAIN):
                yield from self._pieces(child)
            elif name == "r":
                if not self._is_hidden(child):
                    self._raised = _is_raised(child)
                    yield from self._pieces(child)
            elif name not in _LEFT_OUT:
                yield from self._element(child, name)

    def _element(self, child: Any, name: str) -> Iterator[str]:
        if name == "t":
            yield from self._visible(child.text or "")
        elif name in _SIGNS:
            yield from self._visible(_SIGNS[name])
        elif name == "sym":
            yield from self._visible(_symbol(child))
        elif name == "fldChar":
            self._field(child.get(f"{MAIN}fldCharType"))
        elif name in {"footnoteReference", "endnoteReference"}:
            yield from self._visible(self._marker(child, name))
        else:
            yield from self._pieces(child)

    def _visible(self, text: str) -> Iterator[str]:
        if text and all(self._fields):
            yield text

    def _field(self, kind: str | None) -> None:
        if kind == "begin":
            self._fields.append(False)
        elif self._fields and kind == "separate":
            self._fields[-1] = True
        elif self._fields and kind == "end":
            self._fields.pop()

    def _marker(self, reference: Any, name: str) -> str:
        kind = name.removesuffix("Reference")
        key = kind, reference.get(f"{MAIN}id", "")
        if key not in self.notes:
            number = self._counts[kind] = self._counts.get(kind, 0) + 1
            self.notes[key] = f"[{number if kind == 'footnote' else write_number(number, 'lowerRoman')}]"
        marker = self.notes[key]
        return "" if reference.get(f"{MAIN}customMarkFollows", "0") not in _OFF else marker

    def _is_hidden(self, run: Any) -> bool:
        properties = run.find(f"{MAIN}rPr")
        if properties is None:
            return False
        style = properties.find(f"{MAIN}rStyle")
        named = style is not None and style.get(f"{MAIN}val") in self._hidden
        own = properties.find(f"{MAIN}vanish")
        return named if own is None else is_on(properties, "vanish")


def _is_raised(run: Any) -> bool:
    raised = run.find(f"{MAIN}rPr/{MAIN}vertAlign")
    return raised is not None and raised.get(f"{MAIN}val") == "superscript"


def _symbol(element: Any) -> str:
    """Return the character that a symbol font shows, as far as Unicode has it."""
    try:
        code = int(element.get(f"{MAIN}char", ""), 16)
    except ValueError:
        return ""
    letter = chr(code & 0xFF)
    font = (element.get(f"{MAIN}font") or "").lower()
    if font == "symbol":
        return _GREEK.get(letter) or _SYMBOL.get(letter) or (letter if " " <= letter < "A" else "")
    if font.startswith("wingdings"):
        return _WINGDINGS.get(letter, "•")
    return chr(code) if code < _PRIVATE else ""
