"""Metadata that a person or program wrote for a document: sidecar files and front matter.

The sidecar of ``report.pdf`` is ``report.pdf.meta.toml`` beside it: the whole file name, then ``.meta.toml``.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from qa.contracts import ReadError
from qa.readers.metadata import FIELDS, Facts, normalise

SUFFIX = ".meta.toml"

_LINE_BREAK = re.compile(r"\r\n?")
_FRONT_MATTER = re.compile(
    r"(?P<fence>---|\+\+\+)[ \t]*(?:\r\n?|\n)(?P<matter>.*?)(?:(?<=\n)|(?<=\r))(?P=fence)[ \t]*(?=[\r\n]|\Z)",
    re.DOTALL,
)


def is_sidecar(path: Path) -> bool:
    """Tell whether a file describes another."""
    return path.name.lower().endswith(SUFFIX)


def sidecar_of(path: Path) -> Path:
    """Name the file that describes ``path``, if there is one."""
    return path.with_name(path.name + SUFFIX)


def described_by(path: Path) -> Path:
    """Name the file that a sidecar describes."""
    return path.with_name(path.name[: -len(SUFFIX)])


def parse(data: bytes, name: str) -> Facts:
    """Read a sidecar; an error names it by ``name``."""
    try:
        values = tomllib.loads(data.decode("utf-8-sig"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise ReadError(f"{name} is not TOML: {error}") from error
    facts = Facts()
    for key, value in values.items():
        if key not in FIELDS:
            raise ReadError(f"{name}: unknown key {key!r}; known are {', '.join(FIELDS)}")
        if not isinstance(value, (str, date) if key == "published" else str):
            raise ReadError(f"{name}: {key} must be {'a date' if key == 'published' else 'a string'}")
        if normalise(key, value) is None:
            raise ReadError(f"{name}: {key} cannot be {value!r}: {_EXPECTED.get(key, 'it is empty')}")
        facts.add(key, value, "sidecar")
    return facts


_EXPECTED = {
    "published": "write a full date such as 2019-07-03",
    "language": "write an ISO 639-1 code such as en",
    "url": "write a full http or https address",
}


def front_matter(text: str) -> tuple[int, Mapping[str, Any], str | None]:
    """Find front matter at the top of a text: YAML between ``---`` lines or TOML between ``+++`` lines.

    Returns:
        Where it ends (0 if there is none), its values, and a note if it cannot be read.
    """
    found = _FRONT_MATTER.match(text)
    if not found:
        return 0, {}, None
    try:
        load = _yaml if found["fence"] == "---" else tomllib.loads
        values = load(_LINE_BREAK.sub("\n", found["matter"]))
    except (ValueError, RecursionError) as error:
        return 0, {}, f"front matter cannot be read: {error}"
    if not isinstance(values, dict):
        return 0, {}, None
    values.setdefault("published", values.get("date"))
    return found.end(), {key: values[key] for key in FIELDS if _is_plain(values.get(key))}, None


def _yaml(text: str) -> Any:
    import yaml  # noqa: PLC0415

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error


def _is_plain(value: object) -> bool:
    scalar = (str, int, float, date)
    return isinstance(value, scalar) or (
        isinstance(value, list) and all(isinstance(part, scalar) for part in value)
    )
