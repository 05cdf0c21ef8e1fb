"""Superscripts and subscripts → characters: exponents, marks of notes, fractions, prices.

Markup alone keeps a superscript apart from what it follows: 1821¹ would become 18211.
"""

from __future__ import annotations

import re
from typing import Any

from qa.readers.html.elements import INLINE, local_name
from qa.readers.superscripts import RAISED, raise_digits

_EXPONENT = re.compile(r"[+\-−]?\d{1,3}")
_CHARGE = re.compile(r"\d?[+\-−]")
_EXPRESSION = re.compile(r"[nxkijpqtyzTα-ω]|[+\-−]?\w{1,3}(?:[+\-−·*/^]\w{1,3}){1,4}")
"""Exponents that are no number. Single letters such as o and e make ordinals: nº, 1er."""

_NUMBER_OF_NOTE = re.compile(r"\d{1,3}(?:[,–\- ]+\d{1,3}){0,5}")
_MARK_OF_NOTE = re.compile(rf"{_NUMBER_OF_NOTE.pattern}|[*†‡§¶]{{1,3}}")
_ROMAN_MARK = re.compile(r"ii|iii|iv|vi{0,3}|ix|x")
_YEAR = re.compile(r"(?<!\d)(?:1\d|20)\d\d")
_PRICE = re.compile(r"[$€£]\s?\d{1,6}")
_REFERENCE = re.compile(r"footnote-?ref|note-?ref|fn-?ref", re.IGNORECASE)
_KINDS = ("role", "epub:type", "{http://www.idpf.org/2007/ops}type", "class")
"""Attributes that say what a link is."""

_RAISED = re.compile(r"vertical-align\s*:\s*super", re.IGNORECASE)

_LONGEST_MARK = 12  # characters: a longer link is no mark of a note
_LONGEST_UNIT = 2
"""Letters of the longest unit or variable before an exponent, as in km²; after longer words stand notes."""

_LONG_BASES = frozenset(
    {
        "sin",
        "cos",
        "tan",
        "cot",
        "log",
        "exp",
        "mile",
        "miles",
        "inch",
        "inches",
        "foot",
        "feet",
        "yard",
        "mol",
    }
)
"""Longer words that have powers."""

_TRADEMARKS = {"TM": "™", "SM": "℠", "®": "®", "©": "©", "™": "™"}
_ENDS_OF_CLAUSES = frozenset(".,;:!?…”’\"'»")
_DIVIDES = ("/", "⁄", "∕")
_DIGITS_OF_CENTS = 2


def is_superscript(element: Any) -> bool:
    """Whether an element is shown raised, or is a reference to a note."""
    name = local_name(element)
    if name == "sup":
        return True
    if name == "span":
        return bool(_RAISED.search(element.get("style", "")))
    return (
        name == "a" and _refers_to_note(element) and all(local_name(part) != "sup" for part in element.iter())
    )


def superscript_text(element: Any) -> str | None:
    """Return the text that stands for a superscript; None if it may follow what is before it as it is."""
    text = "".join(element.itertext()).strip()
    before = _text_before(element)
    if text in _TRADEMARKS:
        return _TRADEMARKS[text]
    if not text or text[0] in "[(" or not before.strip():
        return None
    gap = "" if before[-1].isspace() else " "
    if _links(element) and len(text) <= _LONGEST_MARK:
        return f"{gap}[{text}]"
    if not gap:
        return f"[{text}]" if _NUMBER_OF_NOTE.fullmatch(text) else None
    if text.isdigit() and _is_numerator(element):
        return f" {text}" if before[-1].isdigit() else None
    return f" [{text}]" if _is_note(text, before) else _power(text, before)


def subscript_text(element: Any) -> str | None:
    """Return the text that stands for a subscript; None if it may follow as it is, as in H2O."""
    text = "".join(element.itertext()).strip()
    before = _text_before(element)
    fused = before[-1:].isdigit() and text[:1].isdigit()
    return f"_{text}" if fused or (before[-1:].isalpha() and text.isalpha()) else None


def _is_numerator(element: Any) -> bool:
    """Whether a superscript is the upper half of a fraction, as in <sup>1</sup>/<sub>2</sub>."""
    following = element.getnext()
    return (
        (element.tail or "").strip() in _DIVIDES and following is not None and local_name(following) == "sub"
    )


def _power(text: str, before: str) -> str | None:
    """Return what stands for an exponent, a charge or cents right after other text."""
    last = before[-1]
    if len(text) == _DIGITS_OF_CENTS and text.isdigit() and _ends_with(_PRICE, before):
        return f".{text}"
    if _EXPONENT.fullmatch(text):
        return raise_digits(text, before)
    if _CHARGE.fullmatch(text) and last.isalnum():
        return text.translate(RAISED)
    if _EXPRESSION.fullmatch(text) and (last in ")]" or last.isdigit() or _letters(before) == 1):
        return f"^{text}" if text.isalnum() else f"^({text})"
    return f" [{text}]" if last.isdigit() and text[0].isdigit() and not text[-1].isalpha() else None


def _is_note(text: str, before: str) -> bool:
    """Whether a superscript without a link is the mark of a note, judged by what it follows."""
    letters = _letters(before)
    if letters > _LONGEST_UNIT and before[len(before) - letters :].lower() not in _LONG_BASES:
        return bool(_MARK_OF_NOTE.fullmatch(text))
    if before[-1] == ")":
        words = before[before.rfind("(") + 1 : -1].split()
        is_prose = any(_letters(word) > _LONGEST_UNIT for word in words)
        return is_prose and bool(_NUMBER_OF_NOTE.fullmatch(text))
    if before[-1] in _ENDS_OF_CLAUSES:
        return bool(_MARK_OF_NOTE.fullmatch(text))
    if _ends_with(_YEAR, before):
        return bool(_NUMBER_OF_NOTE.fullmatch(text)) or text in {"a", "b", "c", "d", "a,b", "b,c"}
    return before[-1].isdigit() and bool(_ROMAN_MARK.fullmatch(text))


def _letters(before: str) -> int:
    """Return how many letters a text ends with."""
    return next((at for at, sign in enumerate(reversed(before)) if not sign.isalpha()), len(before))


def _ends_with(pattern: re.Pattern[str], before: str) -> bool:
    """Whether a text ends with a match of the pattern."""
    tail = before[-12:]
    return any(match.end() == len(tail) for match in pattern.finditer(tail))


def _links(element: Any) -> bool:
    if local_name(element) == "a" or any(local_name(part) == "a" for part in element.iter()):
        return True
    parent = element.getparent()
    return parent is not None and local_name(parent) == "a" and not (parent.text or "").strip()


def _refers_to_note(link: Any) -> bool:
    return any(_REFERENCE.search(link.get(name, "")) for name in _KINDS)


def _text_before(element: Any) -> str:
    """Return the text just before an inline element in its paragraph."""
    while element is not None:
        previous = element.getprevious()
        while previous is not None and not previous.tail and not isinstance(previous.tag, str):
            previous = previous.getprevious()
        if previous is not None:
            tail = previous.tail or ""
            is_inline = local_name(previous) in INLINE and not tail.strip()
            return "".join(previous.itertext()) + tail if is_inline else tail
        parent = element.getparent()
        if parent is None or parent.text or local_name(parent) not in INLINE:
            return "" if parent is None else parent.text or ""
        element = parent
    return ""
