"""What a page shows on demand, such as the answers of an accordion, made visible."""

from __future__ import annotations

import re
from typing import Any

from qa.readers.html.elements import local_name

HIDDEN = re.compile(r"(?:^|;)\s*display\s*:\s*none\s*(?:!\s*important\s*)?(?:;|$)", re.IGNORECASE)
_PANEL = re.compile(r"accordion|collaps|tab-?pane|tab-?content|panel|toggle|faq|answer", re.IGNORECASE)
_NO_CONTENT = frozenset({"nav", "header", "footer", "dialog", "form", "menu"})
_BANNER = re.compile(r"cookie|consent|modal|popup|newsletter|subscri|menu|dropdown|search", re.IGNORECASE)
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6", "dt", "summary"})

_LEAST_LETTERS = 20
"""Letters of the shortest panel that is content: a short sentence. Chosen."""


def is_hidden(element: Any) -> bool:
    """Whether the browser shows nothing of an element."""
    return "hidden" in element.attrib or bool(HIDDEN.search(element.get("style", "")))


def reveal(root: Any) -> None:
    """Make the panels of accordions and tabs visible, and their buttons text, in a parsed page."""
    by_id = {element.get("id"): element for element in root.iter("{*}*") if element.get("id")}
    for element in list(root.iter("{*}*")):
        if local_name(element) in {"button", "a", "div", "span"} and _is_switch(element):
            panel = by_id.get(element.get("aria-controls", "").strip())
            panel = _next_panel(element) if panel is None else panel
            if panel is not None and _is_content(panel):
                _show(panel)
                if local_name(element) == "button":
                    element.tag = "span" if _is_in_heading(element) else "p"
        elif is_hidden(element) and _names_panel(element) and _is_content(element):
            _show(element)


def _is_switch(element: Any) -> bool:
    return "aria-expanded" in element.attrib or "aria-controls" in element.attrib


def _next_panel(switch: Any) -> Any:
    """Return what follows a switch, or the heading that it stands in, if that is hidden."""
    while switch is not None:
        following = switch.getnext()
        if following is not None and isinstance(following.tag, str) and is_hidden(following):
            return following
        switch = switch.getparent()
        if switch is None or local_name(switch) not in _HEADINGS | {"span", "div"}:
            return None
    return None


def _names_panel(element: Any) -> bool:
    names = f"{element.get('class', '')} {element.get('id', '')}"
    return element.get("role") == "tabpanel" or bool(_PANEL.search(names))


def _is_content(panel: Any) -> bool:
    around = (panel, *panel.iterancestors())
    if any(local_name(element) in _NO_CONTENT for element in around):
        return False
    names = " ".join(f"{element.get('class', '')} {element.get('id', '')}" for element in around[:3])
    letters = sum(map(str.isalpha, "".join(panel.itertext())))
    return letters >= _LEAST_LETTERS and not _BANNER.search(names)


def _is_in_heading(element: Any) -> bool:
    return any(local_name(ancestor) in _HEADINGS for ancestor in element.iterancestors())


def _show(panel: Any) -> None:
    for element in (panel, *panel.iterdescendants()):
        if not isinstance(element.tag, str):
            continue
        element.attrib.pop("hidden", None)
        if "style" in element.attrib:
            element.set("style", HIDDEN.sub(";", element.get("style")))
