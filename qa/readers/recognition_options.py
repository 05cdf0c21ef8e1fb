"""How text in pictures is recognised: what the settings say, for the readers that do it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from qa.config.forms import OCR_MODES

AUTO, OFF, FORCE = OCR_MODES


@dataclass(frozen=True, slots=True)
class RecognitionOptions:
    """What to recognise, one of ``OCR_MODES``, and the folder that keeps what was recognised."""

    mode: str = AUTO
    cache: Path | None = None


_DEFAULT = RecognitionOptions()
_CURRENT = ContextVar("recognition options", default=_DEFAULT)


def current() -> RecognitionOptions:
    """Return the options that hold."""
    return _CURRENT.get()


@contextmanager
def using(options: RecognitionOptions) -> Iterator[None]:
    """Let options hold within the block."""
    token = _CURRENT.set(options)
    try:
        yield
    finally:
        _CURRENT.reset(token)
