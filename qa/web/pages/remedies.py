"""What a person can do about a file that could not be read, by the reason that its reader gave.

The readers' reasons are in English. The template has words for each kind, in the page's language.
"""

from __future__ import annotations

from typing import Literal

from qa import readers

Remedy = Literal[
    "password",
    "kind",
    "picture",
    "libreoffice",
    "size",
    "time",
    "access",
    "sidecar",
    "empty",
    "damaged",
    "hidden",
    "alone",
    "",
]

_SIGNS: tuple[tuple[Remedy, tuple[str, ...]], ...] = (
    ("kind", (readers.NOT_READ,)),
    ("hidden", ("is hidden",)),
    ("password", ("password", "encrypted")),
    ("libreoffice", ("without LibreOffice",)),
    ("picture", ("is a picture", "no text that can be recognised", "not recognised")),
    ("size", ("split it", "larger than", "too large", "would unpack", "million pixels", "needs more memory")),
    ("time", ("takes too long", "takes more than", "is not read after", "(read_seconds)")),
    ("sidecar", (".meta.toml",)),
    ("alone", ("describes a file that is not there",)),
    ("access", ("cannot be opened:", "outside the documents folder", "not a regular file")),
    ("empty", ("holds no", "without text", "no text")),
    ("damaged", ("that can be opened", "that can be read", "damaged", "nested too deeply", "is not ")),
)
"""What the reasons of each kind say. The first that fits decides."""


def remedy_for(reason: str | None) -> Remedy:
    """Return the kind of a reason; empty if nothing more is known than the reason itself."""
    for remedy, signs in _SIGNS:
        if any(sign in (reason or "") for sign in signs):
            return remedy
    return ""
