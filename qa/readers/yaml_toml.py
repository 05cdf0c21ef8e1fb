"""The YAML and TOML of metadata. Large or deeply nested ones are refused, aliases are not followed."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable
from typing import Any, Final

MAX_BYTES = 64 * 1024
"""Bytes of front matter or a sidecar. Seven fields of a thousand characters take an eighth of that."""

MAX_VALUES = 2_000
"""Keys and values, including nested ones and list items. Real files have up to a few hundred."""

MAX_DEPTH = 20
"""Levels of nesting by dotted keys, tables or lists. tomllib's memory grows with their square."""

ALIAS: Final = object()
"""Stands for a YAML alias. Expanding aliases of aliases would take memory without limit."""

_STRING_OR_COMMENT = re.compile(
    r'''"""(?:[^"\\]|\\.|"(?!""))*+(?:"{3,5}|\Z)'''
    r"|'''(?:[^']|'(?!''))*+(?:'{3,5}|\Z)"
    r"""|"(?:[^"\\\n]|\\.)*+"?|'[^'\n]*+'?|#[^\n]*+""",
    re.DOTALL,
)
_NO_KEY = re.compile(r"[^\w. \t\"-]+")
_BRACKET = re.compile(r"[\[{\]}]")
_NULL = frozenset({"", "~", "null", "Null", "NULL"})


def parse_toml(data: bytes) -> dict[str, Any]:
    """Return the values of TOML.

    Raises:
        ValueError: it is not TOML, or exceeds a limit.
    """
    text = _decoded(data)
    _check_toml(_STRING_OR_COMMENT.sub(lambda part: "" if part[0][0] == "#" else '""', text))
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise ValueError(_too_deep()) from error


def toml_string(text: str) -> str:
    """Return a text as TOML writes it, on one line."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def parse_yaml(data: bytes) -> dict[str, Any] | None:
    """Return the values of a YAML mapping, as written: strings, None, lists, mappings and ``ALIAS``.

    Returns None if it is something else, such as prose.

    Raises:
        ValueError: it is not YAML, or exceeds a limit.
    """
    import yaml

    try:
        value = _built(yaml.parse(_decoded(data), Loader=yaml.SafeLoader))
    except ValueError:
        raise
    except Exception as error:  # yaml raises more than its own errors
        raise ValueError(" ".join(str(error).split())) from error
    return value if isinstance(value, dict) else None


def _decoded(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise ValueError(f"it has more than {MAX_BYTES // 1024} KB")
    return data.decode("utf-8-sig")


def _check_toml(text: str) -> None:
    """Check TOML, with its strings emptied, against the limits before it is parsed."""
    if max(part.count(".") for part in _NO_KEY.split(text)) >= MAX_DEPTH:
        raise ValueError(_too_deep())
    depth = 0
    for bracket in _BRACKET.findall(text):
        depth += 1 if bracket in "[{" else -1
        if depth > MAX_DEPTH:
            raise ValueError(_too_deep())
    if text.count("=") + text.count(",") + text.count("[") > MAX_VALUES:
        raise ValueError(_too_many())


def _built(events: Iterable[Any]) -> Any:
    """Return the value of a document. Scalars are not interpreted: a date stays as it is written."""
    import yaml

    open_nodes: list[list[Any]] = [[]]
    for number, event in enumerate(events):
        if number > 2 * MAX_VALUES:  # a list or mapping has two events
            raise ValueError(_too_many())
        if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            open_nodes.append([])
            if len(open_nodes) > MAX_DEPTH + 1:
                raise ValueError(_too_deep())
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            node = open_nodes.pop()
            is_mapping = isinstance(event, yaml.MappingEndEvent)
            open_nodes[-1].append(_mapping(node) if is_mapping else node)
        elif isinstance(event, yaml.AliasEvent):
            open_nodes[-1].append(ALIAS)
        elif isinstance(event, yaml.ScalarEvent):
            open_nodes[-1].append(None if event.implicit[0] and event.value in _NULL else event.value)
    documents = open_nodes[0]
    if len(documents) > 1:
        raise ValueError("it is more than one document")
    return documents[0] if documents else None


def _mapping(node: list[Any]) -> dict[str, Any]:
    """Return a mapping of alternating keys and values. A key that is not a string is left out."""
    mapping: dict[str, Any] = {}
    for key, value in zip(node[::2], node[1::2], strict=True):
        if isinstance(key, str):
            if key in mapping:
                raise ValueError(f"it has the key {key[:100]!r} twice")
            mapping[key] = value
    return mapping


def _too_deep() -> str:
    return f"it is nested more than {MAX_DEPTH} levels deep"


def _too_many() -> str:
    return f"it has more than {MAX_VALUES:,} keys and values"
