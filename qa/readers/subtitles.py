"""WebVTT and SubRip: what is said, in paragraphs that begin with their time."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from qa.errors import ReadError
from qa.readers.extract import Block, Extract, assemble, one_line
from qa.readers.plain_text import decode_leniently
from qa.text.patterns import SENTENCE_MARKS, ends_with_mark, lines

_TIME = r"(?:(\d{1,3}):)?(\d{1,2}):(\d{2})[.,]\d{1,3}"
_TIMING = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}(?:\s.*)?", re.DOTALL)
_VOICE = re.compile(r"<v(?:\.[^\s>]{0,60}+)?+\s([^<>]{1,100}+)>")
_TAG = re.compile(r"</?[A-Za-z0-9][^<>]*+>|\{\\[^{}]*+\}")

_PAUSE = 4
"""Seconds of silence after which a paragraph begins (chosen)."""

_LONG, _TOO_LONG = 500, 1_000
"""Characters after which a paragraph ends with a sentence, and with any cue: half a minute of speech."""


@dataclass(frozen=True, slots=True)
class _Cue:
    """What is shown at once, with its times in whole seconds and the speaker if one is named."""

    start: int
    end: int
    speaker: str
    lines: tuple[str, ...]


def read(data: bytes) -> Extract:
    """Read subtitles of either kind."""
    text, damaged = decode_leniently(data)
    cues = list(_without_repeats(_cues(lines(text))))
    if not cues:
        raise ReadError("holds no subtitles that can be read")
    return Extract(assemble(map(Block, _paragraphs(cues))).text, headings=(), notes=damaged)


def _cues(rows: list[str]) -> Iterator[_Cue]:
    place = 0
    while place < len(rows):
        timing = _TIMING.fullmatch(rows[place])
        place += 1
        if not timing:
            continue
        begin = place
        while place < len(rows) and rows[place].strip() and not _TIMING.fullmatch(rows[place]):
            place += 1
        shown = rows[begin:place]
        speaker = next((voice[1] for row in shown if (voice := _VOICE.search(row))), "")
        texts = (one_line(html.unescape(_TAG.sub("", row))) for row in shown)
        numbers = [int(number or 0) for number in timing.groups()]
        yield _Cue(
            _seconds(numbers[:3]), _seconds(numbers[3:]), one_line(speaker), tuple(filter(None, texts))
        )


def _seconds(parts: list[int]) -> int:
    hours, minutes, seconds = parts
    return (hours * 60 + minutes) * 60 + seconds


def _without_repeats(cues: Iterable[_Cue]) -> Iterator[_Cue]:
    """Yield cues without the lines that the cue before showed already, as captions that roll upwards do."""
    shown: tuple[str, ...] = ()
    end = 0
    for cue in cues:
        rolls = bool(shown) and cue.start <= end + 1
        count = next(
            (size for size in range(len(cue.lines), 0, -1) if rolls and shown[-size:] == cue.lines[:size]), 0
        )
        shown, end = cue.lines or shown, cue.end
        if cue.lines[count:]:
            yield _Cue(cue.start, cue.end, cue.speaker, cue.lines[count:])


def _paragraphs(cues: Iterable[_Cue]) -> Iterator[str]:
    parts: list[str] = []
    speaker, end, size = "", 0, 0
    for cue in cues:
        is_full = size > _TOO_LONG or (size > _LONG and ends_with_mark(parts[-1], SENTENCE_MARKS))
        if parts and (is_full or cue.speaker != speaker or cue.start > end + _PAUSE):
            yield " ".join(parts)
            parts, size = [], 0
        if not parts:
            minutes, seconds = divmod(cue.start, 60)
            parts = [f"[{minutes // 60:02}:{minutes % 60:02}:{seconds:02}]"]
            parts += [f"{cue.speaker}:"] if cue.speaker else []
        parts += cue.lines
        size += sum(map(len, cue.lines))
        speaker, end = cue.speaker, cue.end
    if parts:
        yield " ".join(parts)
