"""Text in pictures, recognised by Tesseract in the languages whose data the system has.

The engine comes with the package ``tesserocr``; the languages are the system's packages. A page's script
decides which of them read it, so that a Russian page is not read as English.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa.errors import ReadError
from qa.readers import recognition_cache, recognition_options
from qa.readers.recognised_words import Box, RecognisedText, Word, make_text
from qa.readers.recognition_options import OFF
from qa.readers.sandbox.resource_limits import own_time, seconds_left, wall_seconds_left

if TYPE_CHECKING:
    from PIL.Image import Image

NOT_INSTALLED = (
    "Tesseract's languages are not installed (on Debian or Ubuntu: `apt-get install tesseract-ocr"
    " tesseract-ocr-rus`, a package for each language)"
)

VERSION = 1
"""Changes whenever the same picture may come out as another text."""

_FOLDERS = (
    "/usr/share/tesseract-ocr/*/tessdata",
    "/usr/share/tessdata",
    "/usr/local/share/tessdata",
    "/opt/homebrew/share/tessdata",
)
"""Where systems keep the languages, if TESSDATA_PREFIX does not say where they are."""

_LANGUAGES = {
    "Arabic": "ara fas urd pus snd uig",
    "Armenian": "hye",
    "Bengali": "ben asm",
    "Cyrillic": "rus ukr bel bul srp mkd kaz kir mon tgk",
    "Devanagari": "hin mar nep san",
    "Ethiopic": "amh tir",
    "Georgian": "kat",
    "Greek": "ell grc",
    "Gujarati": "guj",
    "Gurmukhi": "pan",
    "Han": "chi_sim chi_tra",
    "Hangul": "kor",
    "Hebrew": "heb yid",
    "Japanese": "jpn",
    "Kannada": "kan",
    "Khmer": "khm",
    "Korean": "kor",
    "Lao": "lao",
    "Malayalam": "mal",
    "Myanmar": "mya",
    "Sinhala": "sin",
    "Tamil": "tam",
    "Telugu": "tel",
    "Thai": "tha",
    "Tibetan": "bod dzo",
}
"""Tesseract's languages by the script that it names. All others are written in Latin letters."""

_MOST_LANGUAGES = 3
"""A page is read in at most so many languages of its script, and in English. Chosen: each takes its time."""

_SURE_OF_SCRIPT = 1.0
_SURE_OF_TURN = 2.0
"""Tesseract's least certainty of a script, and of a page that lies on its side. Chosen: it was right on pages
of English, German and Russian, with 1.2 and 2.4 or more."""

_MOST_ENGINES = 4
"""Engines that are kept, each for some languages. Chosen: one takes 50 to 200 MB."""

_SECONDS_A_PAGE = 15.0
"""Recognition stops if less time is left by the clock than a full page takes. Measured: 2 to 7 seconds."""

_MOST_SECONDS = 60.0
"""The engine gives up on a page after so long by the clock."""

_RESERVE = 5.0
"""Seconds that are left for the rest. Chosen: drawing a page, or putting thousands together, takes less."""


class TimeIsUpError(ReadError):
    """Too little time is left to recognise another page of a document."""

    def __init__(self) -> None:
        super().__init__("the time for reading a document was up (read_seconds)")


@contextmanager
def time_for_page() -> Iterator[None]:
    """Give the drawing and recognition of a page processor time of its own.

    Raises:
        TimeIsUpError: too little time is left by the clock to recognise another page.
    """
    if wall_seconds_left() < _SECONDS_A_PAGE:
        raise TimeIsUpError
    with own_time(_MOST_SECONDS + _RESERVE):
        yield


def recognise(image: Image, resolution: int) -> RecognisedText:
    """Recognise the text of a page, or return what is kept of it from an earlier time.

    Args:
        image: the page.
        resolution: its dots per inch, at a guess.

    Raises:
        ReadError: Tesseract has no languages here, or takes too long.
    """
    folder = _folder()
    if folder is None:
        raise ReadError(NOT_INSTALLED)
    cache_folder = recognition_options.current().cache
    if cache_folder is None:
        return _recognise(image, resolution, folder)
    name = recognition_cache.key(image, resolution, shaped_by())
    text = recognition_cache.load(cache_folder, name)
    if text is None:
        text = _recognise(image, resolution, folder)
        recognition_cache.keep(cache_folder, name, text)
    return text


def _recognise(image: Image, resolution: int, folder: Path) -> RecognisedText:
    try:
        script, turn = _script_and_turn(image)
        upright = image.rotate(turn, expand=True) if turn else image
        groups = [_languages_for(script)] if script else _languages_by_script()
        engines = (_engine(folder, "+".join(group)) for group in groups)
        texts = [_read(engine, upright, resolution, turn) for engine in engines]
    except RuntimeError as error:  # such as a damaged file of a language
        raise ReadError(f"Tesseract failed: {error}") from error
    return max(texts, key=lambda text: (bool(text[0].paragraphs), text[1]))[0]


def _read(engine: Any, image: Image, resolution: int, turn: int) -> tuple[RecognisedText, float]:
    """Return the text of an upright picture, and how certain the engine is of all that it sees there.

    Args:
        engine: reads it.
        image: the picture.
        resolution: its dots per inch.
        turn: the degrees by which the page was turned to be upright.
    """
    engine.SetImage(image)
    engine.SetSourceResolution(resolution)
    try:
        seconds = min(_MOST_SECONDS, seconds_left() - _RESERVE, wall_seconds_left() - _RESERVE)
        if seconds <= 0 or not engine.Recognize(int(1000 * seconds)):
            raise ReadError("it takes too long")
        return make_text(_paragraphs(engine, image.size, turn)), engine.MeanTextConf()
    finally:
        engine.Clear()


def shaped_by() -> str:
    """Return what shapes a recognised text beside the picture: versions, and the installed languages."""
    folder = _folder()
    files = [] if folder is None else sorted(folder.glob("*.traineddata"))
    languages = [[file.name, file.stat().st_size] for file in files]
    facts = json.dumps([VERSION, version("tesserocr"), languages])
    return hashlib.sha256(facts.encode()).hexdigest()[:16]


def fingerprint(mode: str) -> str:
    """Return what shapes the texts of pictures, with the mode of ``RecognitionOptions``."""
    return mode if mode == OFF else f"{mode} {shaped_by()}"


def installed_languages() -> list[str]:
    """Return the names of the languages that Tesseract finds here, such as ``eng``."""
    folder = _folder()
    names = () if folder is None else (path.stem for path in folder.glob("*.traineddata"))
    return sorted(set(names) - {"osd", "equ"})


def can_turn() -> bool:
    """Whether Tesseract can tell the script of a page, and whether it lies on its side."""
    folder = _folder()
    return folder is not None and (folder / "osd.traineddata").is_file()


@cache
def _folder() -> Path | None:
    """Return where the languages are. The engine, which takes a while to load, is asked last."""
    named = os.environ.get("TESSDATA_PREFIX")
    folders = [Path(named), Path(named, "tessdata")] if named else []
    folders += (path for pattern in _FOLDERS for path in _matching(pattern))
    found = next((folder for folder in folders if any(folder.glob("*.traineddata"))), None)
    return found or _folder_of_engine()


def _folder_of_engine() -> Path | None:
    import tesserocr

    named, languages = tesserocr.get_languages()
    return Path(named) if languages else None


def _matching(pattern: str) -> list[Path]:
    """Return the folders that match an absolute pattern, the newest version first."""
    return sorted(Path("/").glob(pattern.removeprefix("/")), reverse=True)


def _languages_for(script: str) -> list[str]:
    """Return the installed languages in which a page is read, the script's own first."""
    installed = installed_languages()
    own = _of_script(script, installed)[:_MOST_LANGUAGES] or installed[:_MOST_LANGUAGES]
    return own if "eng" in own or "eng" not in installed else [*own, "eng"]


def _languages_by_script() -> list[list[str]]:
    """Return the languages for each script of which any is installed: a short text does not tell its own."""
    installed = installed_languages()
    return [_languages_for(script) for script in ("Latin", *_LANGUAGES) if _of_script(script, installed)]


def _of_script(script: str, installed: list[str]) -> list[str]:
    if script in _LANGUAGES:
        return [name for name in _LANGUAGES[script].split() if name in installed]
    others = {name for names in _LANGUAGES.values() for name in names.split()}
    latin = (name for name in installed if name not in others and name.islower() and "_vert" not in name)
    return sorted(latin, key=lambda name: (name != "eng", name))


def _script_and_turn(image: Image) -> tuple[str | None, int]:
    """Return the script that Tesseract sees on a page, and by how many degrees it must be turned."""
    folder = _folder()
    if folder is None or not can_turn():
        return None, 0
    engine = _engine(folder, "osd")
    engine.SetImage(image)
    seen = engine.DetectOrientationScript()
    engine.Clear()
    if not seen:
        return None, 0
    script = str(seen["script_name"]) if seen["script_conf"] >= _SURE_OF_SCRIPT else None
    return script, int(seen["orient_deg"]) if seen["orient_conf"] >= _SURE_OF_TURN else 0


@lru_cache(maxsize=_MOST_ENGINES)
def _engine(folder: Path, languages: str) -> Any:
    """Return an engine for some languages: starting one takes longer than reading a short text."""
    import tesserocr

    mode = tesserocr.PSM.OSD_ONLY if languages == "osd" else tesserocr.PSM.AUTO
    return tesserocr.PyTessBaseAPI(path=f"{folder}/", lang=languages, psm=mode)


def _paragraphs(engine: Any, size: tuple[int, int], turn: int) -> Iterator[list[Word]]:
    """Yield the words of each paragraph that an engine has read on a picture of some size, in pixels."""
    from tesserocr import RIL

    iterator = engine.GetIterator()
    width, height = size
    words: list[Word] = []
    while iterator is not None:
        if iterator.IsAtBeginningOf(RIL.PARA):
            yield words
            words = []
        if not iterator.Empty(RIL.WORD):
            left, top, right, bottom = iterator.BoundingBox(RIL.WORD)
            box = Box(left / width, top / height, right / width, bottom / height)
            ends_line = iterator.IsAtFinalElement(RIL.TEXTLINE, RIL.WORD)
            certainty = iterator.Confidence(RIL.WORD) / 100
            words.append(Word(iterator.GetUTF8Text(RIL.WORD), box.turned_back(turn), certainty, ends_line))
        if not iterator.Next(RIL.WORD):
            break
    yield words
