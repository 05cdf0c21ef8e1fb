"""Metadata written for a document: sidecar files and front matter.

The sidecar of ``report.pdf`` is ``report.pdf.meta.toml`` beside it: the whole file name, then ``.meta.toml``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from qa.errors import ReadError
from qa.readers import yaml_toml
from qa.readers.metadata import FIELDS, Facts, is_plain, normalise

SUFFIX = ".meta.toml"

_LINE_BREAK = re.compile(r"\r\n?")
_MAX_SHOWN = 100
"""Characters of a wrong key or value that a message shows."""

_FRONT_MATTER = re.compile(
    r"(?P<fence>---|\+\+\+)[ \t]*(?:\r\n?|\n)(?P<matter>.*?)(?:(?<=\n)|(?<=\r))(?P=fence)[ \t]*(?=[\r\n]|\Z)",
    re.DOTALL,
)


def is_sidecar(path: Path) -> bool:
    """Whether a file describes another. A file whose whole name is the suffix describes none."""
    return path.name.lower().endswith(SUFFIX) and len(path.name) > len(SUFFIX)


def sidecar_of(path: Path) -> Path:
    """Return the path of the sidecar that ``path`` may have."""
    return path.with_name(path.name + SUFFIX)


def described_by(path: Path) -> Path:
    """Return the path of the file that a sidecar describes."""
    return path.with_name(path.name[: -len(SUFFIX)])


def parse(data: bytes, name: str) -> Facts:
    """Return the metadata of a sidecar. Errors call it ``name``.

    Raises:
        ReadError: it is not TOML, or has an unknown key or an invalid value.
    """
    try:
        values = yaml_toml.parse_toml(data)
    except ValueError as error:
        raise ReadError(f"{name} is not TOML that can be read: {error}") from error
    facts = Facts()
    for key, value in values.items():
        if key not in FIELDS:
            raise ReadError(f"{name}: unknown key {key[:_MAX_SHOWN]!r}; known are {', '.join(FIELDS)}")
        if not isinstance(value, (str, date) if key == "published" else str):
            raise ReadError(f"{name}: {key} must be {'a date' if key == 'published' else 'a string'}")
        if normalise(key, value) is None:
            shown = str(value)[:_MAX_SHOWN] if isinstance(value, str) else value
            raise ReadError(f"{name}: {key} cannot be {shown!r}: {_EXPECTED.get(key, 'it is empty')}")
        facts.add(key, value, "sidecar")
    return facts


_EXPECTED = {
    "published": "write a full date such as 2019-07-03",
    "language": "write an ISO 639-1 code such as en",
    "url": "write a full http or https address",
}


def front_matter(text: str) -> tuple[int, Mapping[str, Any], str | None]:
    """Return the front matter at the top of a text: YAML between ``---`` lines or TOML between ``+++`` lines.

    Returns:
        Where it ends (0 if there is none), its values, and a note if it, or a part of it, cannot be read.
    """
    match = _FRONT_MATTER.match(text)
    if not match:
        return 0, {}, None
    try:
        parse = yaml_toml.parse_yaml if match["fence"] == "---" else yaml_toml.parse_toml
        values = parse(_LINE_BREAK.sub("\n", match["matter"]).encode("utf-8", "surrogatepass"))
    except ValueError as error:
        return 0, {}, f"front matter cannot be read: {error}"
    if values is None:
        return 0, {}, None
    values.setdefault("published", values.get("date"))
    aliases = ", ".join(key for key in (*FIELDS, "<<") if values.get(key) is yaml_toml.ALIAS)
    note = f"front matter: aliases are not followed ({aliases})" if aliases else None
    return match.end(), {key: values.get(key) for key in FIELDS if is_plain(values.get(key))}, note
