"""Sidecar files written: the title, publisher and date that a person sets for a file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from qa import drafts, files
from qa.errors import MissingFileError, ReadError, SettingsError
from qa.readers import sidecar, yaml_toml
from qa.readers.metadata import MAX_VALUE_LENGTH

_MOST_BYTES = 64 * 1024
"""The longest sidecar that is read, as ``docs/formats.md`` says."""

_ENTRY = re.compile(
    r"^(?P<start>[ \t]*+[\"']?(?P<key>[a-z]++)[\"']?[ \t]*+=[ \t]*+)"
    r"(?P<value>\"(?:[^\"\\\n]|\\[^\n])*+\"|'[^'\n]*+'|[^#\s\"'][^#\n]*+)",
    re.MULTILINE,
)
"""A key with its value on one line, and without the comment after it."""


def check(docs: Path) -> None:
    """Make sure that the documents folder takes sidecars.

    Raises:
        SettingsError: it cannot be written.
    """
    try:
        drafts.check_takes_files(docs)
    except OSError as error:
        reason = f"sidecar files cannot be written to {docs}: {error.strerror}"
        raise SettingsError(f"{reason}. Let the service write there, or leave out --edit.") from error


def read(docs: Path, path: str) -> dict[str, str]:
    """Return what the sidecar of a file says, by key; nothing if there is none.

    Raises:
        ReadError: the sidecar cannot be read.
    """
    return {key: str(value) for key, value in _values(_content(docs, path), path).items()}


def update(docs: Path, path: str, changes: Mapping[str, str]) -> None:
    """Set keys of a file's sidecar. Its other keys and comments stay.

    Args:
        docs: the documents folder.
        path: the path of the file that the sidecar describes, which must be there.
        changes: the new values by key; an empty one removes the key.

    Raises:
        ReadError: there is no such file, its sidecar cannot be read, or a value is invalid.
        OSError: the sidecar cannot be written.
    """
    files.open_inside(docs, path).close()
    with files.hold_folder(docs):
        old = _content(docs, path)
        new = _edited(old, path, changes)
        if new != old:
            drafts.write_inside(docs, path + sidecar.SUFFIX, new)


def _content(docs: Path, path: str) -> bytes:
    try:
        with files.open_inside(docs, path + sidecar.SUFFIX) as file:
            content = file.read(_MOST_BYTES + 1)
    except MissingFileError:
        return b""
    if len(content) > _MOST_BYTES:
        raise ReadError(f"{path}{sidecar.SUFFIX} has more than {_MOST_BYTES // 1024} KB: make it shorter")
    return content


def _values(content: bytes, path: str) -> dict[str, Any]:
    sidecar.parse(content, path + sidecar.SUFFIX)
    return dict(yaml_toml.parse_toml(content))


def _edited(old: bytes, path: str, changes: Mapping[str, str]) -> bytes:
    """Return a sidecar with some keys changed: line by line or, if that goes wrong, written anew."""
    values = _values(old, path)
    cleaned = {key: " ".join(value.split()) for key, value in changes.items()}
    for key, value in cleaned.items():
        if len(value) > MAX_VALUE_LENGTH:
            raise ReadError(f"{key} has {len(value)} characters; it may have {MAX_VALUE_LENGTH}")
    literals = {key: _literal(key, value) if value else "" for key, value in cleaned.items()}
    added = "".join(f"{key} = {literal}\n" for key, literal in literals.items() if literal)
    known = _values(added.encode(), path)
    wanted = {key: value for key, value in values.items() if key not in changes} | known
    new = _with_lines(old.decode("utf-8-sig"), literals).encode()
    try:
        if _values(new, path) == wanted:
            return new
    except ReadError:  # a value of several lines was cut
        pass
    return "".join(f"{key} = {_literal(key, str(value))}\n" for key, value in wanted.items()).encode()


def _literal(key: str, value: str) -> str:
    """Return a value as TOML has it."""
    if key != "published":
        return yaml_toml.toml_string(value)
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        raise ReadError(f"{key} cannot be {value!r}: write a full date such as 2019-07-03") from None


def _with_lines(text: str, literals: Mapping[str, str]) -> str:
    """Return a sidecar's text with the values of some keys replaced, added or, if empty, removed."""
    left = dict(literals)
    lines = []
    for line in text.splitlines(keepends=True):
        entry = _ENTRY.match(line)
        if entry is None or entry["key"] not in literals:
            lines.append(line)
        elif literal := left.pop(entry["key"], ""):
            gap = entry["value"][len(entry["value"].rstrip()) :]
            lines.append(f"{entry['start']}{literal}{gap}{line[entry.end() :]}")
    if lines and not lines[-1].endswith("\n"):
        lines.append("\n")
    return "".join(lines) + "".join(f"{key} = {literal}\n" for key, literal in left.items() if literal)
