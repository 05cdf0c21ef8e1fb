"""MathML → a formula on one line, as people type it: (a+b)/c, x^2, √(x)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from qa.readers.html.elements import become_text, local_name

_SPACED = frozenset("=<>≤≥≠≈≡∼→⇒±")
_INVISIBLE = str.maketrans("", "", "\u2061\u2062\u2063\u2064\u200b")
_LEFT_OUT = frozenset({"annotation", "annotation-xml", "mphantom", "mspace", "mprescripts"})
_DRAWN = re.compile(r"(?:^|\s)(?:katex-html|MathJax_Preview|MathJax|MathJax_Display|MathJax_SVG)(?:\s|$)")
"""Classes of formulas drawn letter by letter, beside their source or MathML."""

_PICTURE = re.compile(r"(?:^|\s)(?:tex|latex|math|mwe-math-fallback-image-\w{1,20})(?:\s|$)", re.IGNORECASE)
_MATHEMATICAL = re.compile(r"math|katex", re.IGNORECASE)
_DISPLAY_STYLE = re.compile(r"\{\\(?:displaystyle|textstyle)\s(.*)\}", re.DOTALL)

_MAX_DEPTH = 100
"""Formulas nested deeper than this are hostile."""


def rewrite_formulas(root: Any) -> None:
    """Make the formulas of a page text, in whatever way it draws them, each once."""
    for element in list(root.iter("{*}*")):
        name, classes = local_name(element), element.get("class", "")
        if name == "math":
            _show(element)
            become_text(element, linear_text(element))
        elif name == "script" and element.get("type", "").startswith("math/tex"):
            become_text(element, element.text or "")
        elif name in {"span", "div"} and _DRAWN.search(classes):
            become_text(element, "")
        elif name == "img" and _PICTURE.search(classes) and not _has_formula(element.getparent()):
            tex = _DISPLAY_STYLE.fullmatch(element.get("alt", "").strip())
            become_text(element, tex[1] if tex else element.get("alt", ""))


def _show(math: Any) -> None:
    """Make a formula visible: pages that draw it hide it, for those who hear the page."""
    for element in (math, *math.iterancestors()):
        if local_name(element) not in {"math", "span"}:
            return
        if element is math or _MATHEMATICAL.search(element.get("class", "")):
            element.attrib.pop("hidden", None)
            element.attrib.pop("style", None)


def _has_formula(parent: Any) -> bool:
    if parent is None or local_name(parent) != "span":
        return False
    return any(local_name(part) == "rewritten" for part in parent.iter("{*}*"))


def linear_text(math: Any) -> str:
    """Return a formula as text; its alternative text if it has none of its own."""
    text = " ".join(_linear(math, 0).translate(_INVISIBLE).split())
    return text or (math.get("alttext") or "").strip()


def _linear(element: Any, depth: int) -> str:
    name = local_name(element)
    if depth > _MAX_DEPTH or not name or name in _LEFT_OUT:
        return ""
    parts = [part for part in (_linear(child, depth + 1) for child in element) if part]
    form = _FORMS.get(name)
    if form is not None and len(parts) == form[0]:
        return form[1](*parts)
    if name in _ANY_NUMBER:
        return _ANY_NUMBER[name](element, parts)
    return "".join(parts) if len(element) else _token(element, name)


def _token(element: Any, name: str) -> str:
    own = (element.text or "").strip()
    return f" {own} " if name == "mtext" or (name == "mo" and own in _SPACED) else own


def _root(_: Any, parts: list[str]) -> str:
    return f"√{_grouped(''.join(parts))}"


def _row(_: Any, parts: list[str]) -> str:
    return " ".join(parts) + "; "


def _fenced(element: Any, parts: list[str]) -> str:
    return f"{element.get('open', '(')}{', '.join(parts)}{element.get('close', ')')}"


def _grouped(text: str) -> str:
    """Put brackets around what is more than one number or letter."""
    return text if text.isalnum() or len(text) == 1 else f"({text.strip()})"


_FORMS: Mapping[str, tuple[int, Callable[..., str]]] = {
    "mfrac": (2, lambda above, below: f"{_grouped(above)}/{_grouped(below)}"),
    "msup": (2, lambda base, exponent: f"{base}^{_grouped(exponent)}"),
    "msub": (2, lambda base, index: f"{base}_{_grouped(index)}"),
    "msubsup": (3, lambda base, index, exponent: f"{base}_{_grouped(index)}^{_grouped(exponent)}"),
    "munderover": (3, lambda base, below, above: f"{base}_{_grouped(below)}^{_grouped(above)} "),
    "munder": (2, lambda base, below: f"{base}_{_grouped(below)} "),
    "mroot": (2, lambda base, degree: f"{_grouped(base)}^(1/{degree})"),
}
"""How many parts an element has, and how they are written."""

_ANY_NUMBER: Mapping[str, Callable[[Any, list[str]], str]] = {
    "msqrt": _root,
    "mtr": _row,
    "mfenced": _fenced,
}
"""How the parts of elements that have any number of them are written."""
