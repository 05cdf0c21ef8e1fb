"""Office Math as a line of text: fractions as ``a/b``, powers as ``x^2``, roots as ``√x``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

MATH = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
"""The namespace of Office Math, in Word and PowerPoint."""

_OPERAND = re.compile(r"[\w.,∞′]*|\([^()]*\)|√\w+")
"""What needs no brackets beside ``/`` or ``^``."""

_ACCENT_OF_ITS_OWN = "\u0302"  # the circumflex, if the file names none


def is_math(element: Any) -> bool:
    """Whether an element is a formula."""
    return element.tag in {f"{MATH}oMath", f"{MATH}oMathPara"}


def linear(element: Any) -> str:
    """Return a formula, or a part of one, as a line of text."""
    if not isinstance(element.tag, str):
        return ""
    name = element.tag.rpartition("}")[2]
    if name == "t":
        return element.text or ""
    if name.endswith("Pr") or name in {"del", "moveFrom"}:
        return ""
    if element.tag == f"{MATH}{name}" and name in _FORMS:
        return _FORMS[name](element)
    return "".join(map(linear, element))


def _part(element: Any, name: str) -> str:
    part = element.find(f"{MATH}{name}")
    return "" if part is None else linear(part).strip()


def _parts(element: Any, name: str) -> list[str]:
    return [linear(part).strip() for part in element.findall(f"{MATH}{name}")]


def _property(element: Any, name: str, default: str) -> str:
    form = element.tag.rpartition("}")[2]
    setting = element.find(f"{MATH}{form}Pr/{MATH}{name}")
    return default if setting is None else str(setting.get(f"{MATH}val", default))


def _operand(text: str) -> str:
    return text if _OPERAND.fullmatch(text) else f"({text})"


def _script(mark: str, text: str) -> str:
    return f"{mark}{_operand(text)}" if text else ""


def _fraction(element: Any) -> str:
    above, below = _operand(_part(element, "num")), _operand(_part(element, "den"))
    return f"({above} over {below})" if _property(element, "type", "bar") == "noBar" else f"{above}/{below}"


def _scripts(element: Any) -> str:
    base = _part(element, "e")
    return _operand(base) + _script("_", _part(element, "sub")) + _script("^", _part(element, "sup"))


def _scripts_before(element: Any) -> str:
    scripts = _script("_", _part(element, "sub")) + _script("^", _part(element, "sup"))
    return scripts + _operand(_part(element, "e"))


def _root(element: Any) -> str:
    degree = _part(element, "deg")
    return f"√{f'[{degree}]' if degree else ''}{_operand(_part(element, 'e'))}"


def _sum(element: Any) -> str:
    limits = _script("_", _part(element, "sub")) + _script("^", _part(element, "sup"))
    return f"{_property(element, 'chr', '∫')}{limits} {_part(element, 'e')}"


def _bracketed(element: Any) -> str:
    inner = _property(element, "sepChr", "|").join(_parts(element, "e"))
    return f"{_property(element, 'begChr', '(')}{inner}{_property(element, 'endChr', ')')}"


def _function(element: Any) -> str:
    argument = _part(element, "e")
    return _part(element, "fName") + ("" if argument.startswith("(") else " ") + argument


def _accented(element: Any) -> str:
    return _part(element, "e") + _property(element, "chr", _ACCENT_OF_ITS_OWN)


def _limit_below(element: Any) -> str:
    return _part(element, "e") + _script("_", _part(element, "lim"))


def _limit_above(element: Any) -> str:
    return _part(element, "e") + _script("^", _part(element, "lim"))


def _matrix(element: Any) -> str:
    return f"[{'; '.join(', '.join(_parts(row, 'e')) for row in element.findall(f'{MATH}mr'))}]"


def _equations(element: Any) -> str:
    return "; ".join(_parts(element, "e"))


def _phantom(element: Any) -> str:
    is_shown = _property(element, "show", "1") not in {"0", "off", "false"}
    return _part(element, "e") if is_shown else ""


_FORMS: Mapping[str, Callable[[Any], str]] = {
    "f": _fraction,
    "sSup": _scripts,
    "sSub": _scripts,
    "sSubSup": _scripts,
    "sPre": _scripts_before,
    "rad": _root,
    "nary": _sum,
    "d": _bracketed,
    "func": _function,
    "acc": _accented,
    "limLow": _limit_below,
    "limUpp": _limit_above,
    "m": _matrix,
    "eqArr": _equations,
    "phant": _phantom,
}
