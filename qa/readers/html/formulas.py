"""MathML → a formula on one line, as people type it: (a+b)/c, x^2, √(x)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from qa.readers.html.elements import local_name

_SPACED = frozenset("=<>≤≥≠≈≡∼→⇒±")
_LEFT_OUT = frozenset({"annotation", "annotation-xml", "mphantom", "mspace", "mprescripts"})
_MAX_DEPTH = 100
"""Formulas nested deeper than this are hostile."""


def linear_text(math: Any) -> str:
    """Return a formula as text; its alternative text if it has none of its own."""
    text = " ".join(_linear(math, 0).split())
    return text or (math.get("alttext") or "").strip()


def _linear(element: Any, depth: int) -> str:
    name = local_name(element)
    if depth > _MAX_DEPTH or not name or name in _LEFT_OUT:
        return ""
    parts = [part for part in (_linear(child, depth + 1) for child in element) if part]
    form = _FORMS.get(name)
    if form is not None and len(parts) == form[0]:
        return form[1](*parts)
    if name == "msqrt":
        return f"√{_grouped(''.join(parts))}"
    if name == "mtr":
        return " ".join(parts) + "; "
    if not len(element):
        own = (element.text or "").strip()
        return f" {own} " if own in _SPACED and name == "mo" else own
    return "".join(parts)


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
