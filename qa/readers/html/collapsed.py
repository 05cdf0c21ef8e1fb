"""What a page shows on demand, such as the answers of an accordion, made visible."""

from __future__ import annotations

import re
from itertools import islice
from typing import Any

from qa.readers.html.elements import local_name

HIDDEN = re.compile(r"(?:^|;)\s*display\s*:\s*none\s*(?:!\s*important\s*)?(?:;|$)", re.IGNORECASE)
_PANEL = re.compile(
    r"accordion|collaps|tab-?pane|tab-?content|panel|toggle|faq|answer|expand|spoiler"
    r"|(?:read|show|see)-?more|more-?(?:text|content|info)|(?<![\w-])more(?![\w-])",
    re.IGNORECASE,
)
_AROUND_PANELS = re.compile(r"accordion|faq|q-?and-?a", re.IGNORECASE)
_NO_CONTENT = frozenset({"nav", "header", "footer", "dialog", "form", "menu"})
_BANNER = re.compile(r"cookie|consent|modal|popup|newsletter|subscri|menu|dropdown|search", re.IGNORECASE)
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6", "dt", "summary"})

_LEAST_LETTERS = 20
"""Letters of the shortest panel that is content: a short sentence, unless its switch asks. Chosen."""

_LABEL = re.compile(
    r"(?:show|hide|read|see|view|open|close|expand|collapse|toggle|copy)\b[^?]{0,30}+", re.IGNORECASE
)
"""What stands on a switch that is no heading of its panel."""

_MAX_LINKED = 0.6
"""The share of a panel's letters that are links above which it is a menu. Chosen."""

_LEVELS_AROUND = 3  # elements around a panel whose names tell what it is


def is_hidden(element: Any) -> bool:
    """Whether the browser shows nothing of an element until a script or a search asks for it."""
    hidden = element.get("hidden")
    if hidden is not None and hidden.lower() != "until-found":
        return True
    return bool(HIDDEN.search(element.get("style", "")))


def reveal(root: Any) -> None:
    """Make the panels of accordions and tabs visible, and their buttons text, in a parsed page."""
    by_id = {element.get("id"): element for element in root.iter("{*}*") if element.get("id")}
    for element in list(root.iter("{*}*")):
        name = local_name(element)
        if name in {"button", "a", "div", "span"} and _is_switch(element):
            panel = by_id.get(_controlled(element))
            panel = _next_panel(element) if panel is None else panel
            if panel is not None and _is_content(panel, 1 if _asks(element) else _LEAST_LETTERS):
                _show(panel)
                _show_switch(element)
        elif name == "button" and _names_section(element):
            _show_switch(element)
        elif is_hidden(element) and _names_panel(element) and _is_content(element, _LEAST_LETTERS):
            _show(element)


def _is_switch(element: Any) -> bool:
    if "aria-haspopup" in element.attrib:
        return False
    toggles = element.get("data-bs-toggle", element.get("data-toggle", "")) in {"collapse", "tab", "pill"}
    return toggles or "aria-expanded" in element.attrib or "aria-controls" in element.attrib


def _controlled(switch: Any) -> str:
    """Return the id of what a switch shows."""
    names = ("aria-controls", "data-bs-target", "data-target", "href")
    return next((value for name in names if (value := switch.get(name, "").strip().lstrip("#"))), "")


def _asks(switch: Any) -> bool:
    """Whether a switch has a question on it, or stands in a heading that has."""
    if "".join(switch.itertext()).strip().endswith(("?", "？", "؟")):
        return True
    return _is_in_heading(switch) and not _LABEL.fullmatch("".join(switch.itertext()).strip())


def _show_switch(switch: Any) -> None:
    if local_name(switch) == "button" and not _LABEL.fullmatch(" ".join("".join(switch.itertext()).split())):
        switch.tag = "span" if _is_in_heading(switch) else "p"


def _names_section(button: Any) -> bool:
    """Whether a button is the heading of what follows it, shown or hidden by a style sheet."""
    if any(local_name(ancestor) in _NO_CONTENT for ancestor in button.iterancestors("{*}*")):
        return False
    following = next(button.itersiblings("{*}*"), None)
    is_followed = following is not None and _count_letters(following) >= _LEAST_LETTERS
    return _is_in_heading(button) or (is_followed and _asks(button))


def _next_panel(switch: Any) -> Any:
    """Return what follows a switch, or the heading that it stands in, if that is hidden."""
    while switch is not None:
        following = next(switch.itersiblings("{*}*"), None)
        if following is not None and is_hidden(following):
            return following
        switch = switch.getparent()
        if switch is None or local_name(switch) not in _HEADINGS | {"span", "div"}:
            return None
    return None


def _names_panel(element: Any) -> bool:
    names = f"{element.get('class', '')} {element.get('id', '')}"
    if element.get("role") == "tabpanel" or _PANEL.search(names):
        return True
    around = islice(element.iterancestors("{*}*"), _LEVELS_AROUND)
    return any(_AROUND_PANELS.search(f"{part.get('class', '')} {part.get('id', '')}") for part in around)


def _is_content(panel: Any, least_letters: int) -> bool:
    around = (panel, *panel.iterancestors("{*}*"))
    if any(local_name(element) in _NO_CONTENT for element in around):
        return False
    names = " ".join(
        f"{element.get('class', '')} {element.get('id', '')}" for element in around[:_LEVELS_AROUND]
    )
    letters = _count_letters(panel)
    if letters < least_letters or _BANNER.search(names):
        return False
    linked = sum(_count_letters(link) for link in panel.iter("{*}a"))
    return linked <= _MAX_LINKED * letters


def _count_letters(element: Any) -> int:
    return sum(map(str.isalnum, "".join(element.itertext())))


def _is_in_heading(element: Any) -> bool:
    return any(local_name(ancestor) in _HEADINGS for ancestor in element.iterancestors("{*}*"))


def _show(panel: Any) -> None:
    for element in (panel, *panel.iterdescendants()):
        if not isinstance(element.tag, str):
            continue
        element.attrib.pop("hidden", None)
        if "style" in element.attrib:
            element.set("style", HIDDEN.sub(";", element.get("style")))
