"""Text in pictures, recognised by Tesseract in the languages whose data the system has.

The engine comes with the package ``tesserocr``; the languages are the system's packages. A page's script
decides which of them read it, so that a Russian page is not read as English.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa.errors import ReadError
from qa.readers.extract import one_line
from qa.readers.sandbox.resource_limits import seconds_left

if TYPE_CHECKING:
    from PIL.Image import Image

NOT_INSTALLED = (
    "Tesseract's languages are not installed (on Debian or Ubuntu: `apt-get install tesseract-ocr"
    " tesseract-ocr-rus`, a package for each language)"
)

_FOLDERS = (
    "/usr/share/tesseract-ocr/*/tessdata",
    "/usr/share/tessdata",
    "/usr/local/share/tessdata",
    "/opt/homebrew/share/tessdata",
)
"""Where systems keep the languages, if the engine finds none: it looks where TESSDATA_PREFIX says."""

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

_LEAST_CERTAINTY = 35.0
"""Paragraphs with a lower mean certainty, in percent, are specks and shapes in pictures. Chosen."""

_MOST_ENGINES = 4
"""Engines that are kept, each for some languages. Chosen: one takes 50 to 200 MB."""

_SECONDS_A_PAGE = 15.0
"""Recognition stops if less processor time is left than a full page takes. Measured: 2 to 7 seconds."""

_MARKS_OF_DIRECTION = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_BETWEEN_HAN = re.compile(r"(?<=[\u3040-\u30ff\u3400-\u9fff]) (?=[\u3040-\u30ff\u3400-\u9fff])")
_DIVIDED_WORD = re.compile(r"(?<=[^\W\d_])[-\u00ad]\n(?=[^\W\d_A-Z])")


@dataclass(frozen=True, slots=True)
class RecognisedPage:
    """A page as it was recognised: its paragraphs, and the mean certainty of its words in [0, 1]."""

    paragraphs: tuple[str, ...]
    certainty: float


def recognise(image: Image, resolution: int) -> RecognisedPage:
    """Recognise the text of a page.

    Args:
        image: the page.
        resolution: its dots per inch, at a guess.

    Raises:
        ReadError: Tesseract has no languages here, or there is not the time to read another page.
    """
    folder = _folder()
    if folder is None:
        raise ReadError(NOT_INSTALLED)
    if seconds_left() < _SECONDS_A_PAGE:
        raise ReadError("the time for reading a document was up (read_seconds)")
    script, turn = _script_and_turn(image)
    upright = image.rotate(turn, expand=True) if turn else image
    groups = [_languages_for(script)] if script else _languages_by_script()
    return max(
        (_read(upright, resolution, folder, group) for group in groups),
        key=lambda page: (bool(page.paragraphs), page.certainty),
    )


def _read(image: Image, resolution: int, folder: Path, languages: list[str]) -> RecognisedPage:
    engine = _engine(folder, "+".join(languages))
    engine.SetImage(image)
    engine.SetSourceResolution(resolution)
    try:
        engine.Recognize()
        paragraphs = tuple(filter(None, _paragraphs(engine)))
        return RecognisedPage(paragraphs, engine.MeanTextConf() / 100)
    finally:
        engine.Clear()


def installed_languages() -> list[str]:
    """Return the names of the languages that Tesseract finds here, such as ``eng``."""
    folder = _folder()
    names = () if folder is None else (path.stem for path in folder.glob("*.traineddata"))
    return sorted(set(names) - {"osd", "equ"})


@cache
def _folder() -> Path | None:
    import tesserocr

    named, languages = tesserocr.get_languages()
    if languages:
        return Path(named)
    folders = (path for pattern in _FOLDERS for path in _matching(pattern))
    return next((folder for folder in folders if any(folder.glob("*.traineddata"))), None)


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
    if folder is None or not (folder / "osd.traineddata").is_file():
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


def _paragraphs(engine: Any) -> Iterator[str]:
    """Yield the text of each paragraph, without those that are hardly text."""
    import tesserocr

    iterator = engine.GetIterator()
    level = tesserocr.RIL.PARA
    while iterator is not None and not iterator.Empty(level):
        if iterator.Confidence(level) >= _LEAST_CERTAINTY:
            yield _joined(iterator.GetUTF8Text(level))
        if not iterator.Next(level):
            return


def _joined(text: str) -> str:
    """Join the lines of a paragraph, mend divided words, and drop spaces between Han characters."""
    mended = _DIVIDED_WORD.sub("", _MARKS_OF_DIRECTION.sub("", text))
    return _BETWEEN_HAN.sub("", one_line(mended))


def certainty_note(certainties: list[float]) -> str:
    """Return the note on a document of which pages were recognised."""
    mean = math.fsum(certainties) / len(certainties)
    pages = f"{len(certainties)} pages were" if len(certainties) > 1 else "1 page was"
    return f"the text of {pages} recognised from the picture, with a mean certainty of {mean:.0%}"
