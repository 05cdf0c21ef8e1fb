"""Plain text, and the decoding that other formats share.

A byte-order mark decides the encoding; without one it is UTF-8 if the bytes are valid UTF-8, else a legacy
encoding. Cyrillic ones are recognised by how often Russian uses the letters that they give, for
charset-normalizer confuses them in short texts; it recognises the others. Nothing is dropped.
"""

from __future__ import annotations

import codecs
import re
from itertools import pairwise
from math import log
from typing import NamedTuple

from qa.errors import ReadError
from qa.readers.extract import Extract

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CYRILLIC = {"cp1251": 0.0, "koi8-r": -1.0, "cp866": -3.0, "iso8859-5": -6.0, "mac-cyrillic": -6.0}
"""Encodings, each with how much rarer it is than the first (natural logarithm, estimated)."""

_OTHERS = [
    *("cp1252", "gb18030", "cp932", "big5", "euc_kr", "euc_jp", "cp1250", "cp1254", "cp1255", "cp1253"),
    *("cp1256", "cp1257", "cp874", "cp1258"),
]
"""Other encodings, the preferred first where charset-normalizer rates several alike."""

_FREQUENCIES = dict(
    zip(
        "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъёіїєґў",
        (
            *(0.1097, 0.0845, 0.0801, 0.0735, 0.067, 0.0626, 0.0547, 0.0473, 0.0454, 0.044, 0.0349, 0.0321),
            *(0.0298, 0.0281, 0.0262, 0.0201, 0.019, 0.0174, 0.017, 0.0165, 0.0159, 0.0144, 0.0121, 0.0097),
            *(0.0094, 0.0073, 0.0064, 0.0048, 0.0036, 0.0032, 0.0026, 0.0004, 0.0004),
            *(0.0004, 0.0003, 0.0003, 0.0001, 0.0001),
        ),
        strict=True,
    )
)
_PAIRS = frozenset(
    """
    ст ен ни но ра то на ко ан ро по ов ре го пр ер ли ос та од те ор ол ль ны ле от ал ет не ва во
    ел ес ри ом он ти ит ск ме ка ве ог ла да ин ат ис тв ло ем де ми об ия ак нн ки ие со ед че ой
    ил тр ар ав ас за ви ам до им ии ть ди ма ля из ци бо аз сл мо ся ьн пе се же ых ей тс ые ик бы
    па ек ру ич их ок ир ив нт ча си нс вл оп сп чи ое ий вы ев ду ая ег ры
    """.split()  # noqa: SIM905
)
"""The commonest pairs of letters in Russian: three quarters of all pairs."""

_TYPOGRAPHY = frozenset("«»“”„‘’–—…№\xa0")
_UNLIKELY = log(1e-6)

_PLAUSIBLE = -4.5
"""The score per byte beyond ASCII above which a text is Cyrillic. The Russian texts of XQuAD, cut to 60
characters or whole, score -4.4 to -2.4; its German ones -13 to -9.
"""

_SAMPLE = 100_000
"""Bytes that are scored: some 20 pages."""

REPLACEMENT = "\ufffd"
"""What stands for a byte that does not fit the encoding."""

_ONE_DAMAGED_IN = 100
"""A text may have one damaged character in so many, or just one; else it is another encoding. Chosen."""

_UNKNOWN_ENCODING = "has an encoding that cannot be detected: save it as UTF-8"

_RUN = re.compile(r"[^\W\d_]+|[^\x00-\x7f]")
_SEQUENCE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_HIGH = re.compile(rb"[\x80-\xff]")
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


class _DamagedUtf8Error(ReadError):
    """The text is UTF-8 with some bytes that are not."""


class Decoded(NamedTuple):
    """A decoded text, and notes on what could not be decoded."""

    text: str
    notes: tuple[str, ...]


def read(data: bytes) -> Extract:
    """Read plain text. The decoded file is the text."""
    text, notes = decode_leniently(data)
    return Extract(text, notes=notes)


def decode_leniently(data: bytes) -> Decoded:
    """Decode a text file as ``decode`` does, but let a few damaged bytes of UTF-8 cost a character each."""
    try:
        return Decoded(decode(data), ())
    except _DamagedUtf8Error:
        damaged = replace_damaged(data.removeprefix(codecs.BOM_UTF8), "utf-8")
        if damaged is None:
            raise
        return damaged


def replace_damaged(data: bytes, codec: str, *, tolerated: int | None = None) -> Decoded | None:
    """Decode text with U+FFFD for each byte that does not fit, and a note; None if many do not.

    Args:
        data: the encoded text.
        codec: the name of Python's codec.
        tolerated: how many characters may be damaged; by default one in a hundred, or just one.
    """
    text = data.decode(codec, errors="replace").removeprefix("\ufeff")
    count = text.count(REPLACEMENT) - data.count(REPLACEMENT.encode())
    if count > (max(1, len(text) // _ONE_DAMAGED_IN) if tolerated is None else tolerated):
        return None
    characters = f"{count} damaged characters were" if count > 1 else "1 damaged character was"
    return Decoded(text, (f"{characters} replaced by {REPLACEMENT}: the file is not quite {codec.upper()}",))


def decode(data: bytes) -> str:
    """Decode a text file of unknown encoding, dropping only a leading byte-order mark.

    Raises:
        ReadError: it is not text, or its encoding cannot be detected.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _strictly(data[len(mark) :], encoding)
    if b"\0" in data:
        return _without_mark(data)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        if _mostly_utf8(data):
            raise _DamagedUtf8Error(
                f"is UTF-8 but for the byte at offset {error.start}: {error.reason}"
            ) from error
    encoding = _legacy_encoding(data)
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise ReadError(_UNKNOWN_ENCODING) from error


def _strictly(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        kind = _DamagedUtf8Error if encoding == "utf-8" else ReadError
        raise kind(
            f"is marked as {encoding.upper()} but is not, at byte {error.start}: {error.reason}"
        ) from error


def _without_mark(data: bytes) -> str:
    """Decode UTF-16 without its mark: every other byte of ASCII is NUL. With other NULs it is not text."""
    even, odd = data[0::2].count(0), data[1::2].count(0)
    encoding = "utf-16-le" if odd > even else "utf-16-be"
    if len(data) % 2 == 0 and min(even, odd) == 0 and max(even, odd) > len(data) // 20:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            pass
    raise ReadError("is not text: it holds NUL bytes")


def _mostly_utf8(data: bytes) -> bool:
    """Whether it is UTF-8 with an error in it: in legacy encodings, valid sequences are rare coincidences."""
    sequences = sum(map(len, _SEQUENCE.findall(data)))
    return sequences > 0.8 * len(_HIGH.findall(data))


def _legacy_encoding(data: bytes) -> str:
    sample = data[:_SAMPLE]
    if len(_CONTROL.findall(sample)) > len(sample) // 100:
        raise ReadError("is not text: it holds control characters")
    scores = {encoding: _score(data, encoding) + rarity for encoding, rarity in _CYRILLIC.items()}
    likeliest = max(scores, key=scores.__getitem__)
    if scores[likeliest] > _PLAUSIBLE * len(_HIGH.findall(sample)):
        return likeliest
    from charset_normalizer import from_bytes

    matches = [match for match in from_bytes(data, cp_isolation=_OTHERS) if match.encoding in _OTHERS]
    if not matches:
        raise ReadError(_UNKNOWN_ENCODING)
    least = matches[0].chaos + 0.01
    return min((match.encoding for match in matches if match.chaos <= least), key=_OTHERS.index)


def _score(data: bytes, encoding: str) -> float:
    """Return the log likelihood in Russian of what an encoding makes of the bytes beyond ASCII."""
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return _UNLIKELY * len(data)
    runs = _RUN.findall(data[:_SAMPLE].decode(encoding))
    return sum(_score_run(run) for run in runs if not run.isascii())


def _score_run(run: str) -> float:
    """Return the log likelihood of a word or sign.

    Capitals are likely only where words have them: at the beginning, or throughout. Words that mix alphabets,
    as Latin ones with accents read as Cyrillic would, are unlikely.
    """
    if not run.isalpha():
        return log(0.005) if run in _TYPOGRAPHY else _UNLIKELY
    capitals = run.isupper() and len(run) > 1
    usual = run.islower() or capitals or (run[0].isupper() and (len(run) == 1 or run[1:].islower()))
    if not usual or any(letter.isascii() for letter in run):
        return _UNLIKELY * sum(not letter.isascii() for letter in run)
    word = run.lower()
    letters = sum(log(_FREQUENCIES.get(letter, 1e-6)) for letter in word)
    pairs = sum(1.0 if pair in _PAIRS else -1.0 for pair in map("".join, pairwise(word)))
    return letters + pairs + (log(0.1) if capitals or run[0].isupper() else 0.0)
