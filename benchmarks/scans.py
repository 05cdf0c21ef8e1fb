"""Draw the articles of a question set as scanned pages, recognise them, and compare with the text itself.

    python benchmarks/scans.py DATA [--limit 3] [--kind pdf] [--write FILE]

DATA is a folder with `docs/*.txt` and `questions.jsonl`. Each article is drawn in DejaVu Serif of 11 points
on pages of A4, 150 dots per inch, turned by less than a degree, with noise. `--kind pdf` puts the pages of an
article into a PDF, `png` makes a file of each page. They are read as `qa index` reads them. The character
error is the edit distance over the length of the text, white space normalised. A question is answered at once
(success@1) if the first passage contains the answer, but for a few wrong letters.
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory

import common
import numpy as np
from common import Figure, Row
from PIL import Image, ImageDraw, ImageFont
from rapidfuzz.distance import Levenshtein
from rapidfuzz.fuzz import partial_ratio

from qa.config import Settings
from qa.index import generation
from qa.retrieval.live import LiveSearcher
from qa.types import Query

DPI = 150
FONT = "DejaVuSerif.ttf"

_WIDTH, _HEIGHT, _MARGIN = (round(inches * DPI) for inches in (8.27, 11.69, 0.8))
_SIZE, _LEADING, _GAP = (round(points * DPI / 72) for points in (11, 15, 7))
_MOST_TURN = 0.8  # degrees
_NOISE = 18.0  # standard deviation, in levels of grey
_PAPER, _INK = 255, 20
_ALIKE = 80.0  # of 100: how much of an answer must be in a passage
_MOST_ERROR = {"xquad-en": 0.02, "xquad-ru": 0.03}
_NEAR = -0.02


def main() -> None:
    """Draw, recognise and search, and print the figures."""
    parser = common.parser(__doc__, peers=False, limit="take only so many of the articles, evenly spaced")
    parser.add_argument("--kind", choices=("pdf", "png"), default="pdf", help="pdf by default")
    parser.add_argument("--whole", action="store_true", help="let no page end within a paragraph")
    args = parser.parse_args()
    paths = common.spaced(sorted((args.data / "docs").glob("*.txt")), args.limit)
    names = {path.name for path in paths}
    questions = [
        question
        for question in common.read_questions(args.data)
        if question["answers"] and {answer["doc"] for answer in question["answers"]} <= names
    ]
    texts = {path.name: path.read_text("utf-8") for path in paths}
    with TemporaryDirectory() as folder:
        pages = write(Path(folder), texts, args.kind, whole=args.whole)
        reports, found = {}, {}
        for name in ("text", "scans"):
            docs, index = Path(folder, name), Path(folder, f"index-{name}")
            # A scan of several pages takes longer than the default allows.
            reports[name] = common.build_index(docs, index, QA_READ_SECONDS="3600")
            found[name] = success(index, questions, texts)
        error = character_error(index, texts)
    figures = [
        Figure.alone("character error", error, most=_MOST_ERROR.get(args.data.name)),
        Figure.of_score("success@1, beside the text itself", found["text"], found["scans"], least=_NEAR),
    ]
    drawn = {"kind": args.kind, "whole": args.whole, "pages": pages}
    facts = {"set": args.data.name, "articles": len(paths), "questions": len(questions)}
    common.report(args.write, facts | drawn, "text", figures, {"indexing": reports})


# Drawing


def write(folder: Path, texts: Mapping[str, str], kind: str, *, whole: bool) -> int:
    """Write articles as they are and as scans, and return how many pages these have."""
    for name in ("text", "scans"):
        (folder / name).mkdir()
    pages = 0
    for seed, (name, text) in enumerate(texts.items()):
        (folder / "text" / name).write_text(text, "utf-8")
        pages += write_scans(folder / "scans", name, draw(text, seed, whole=whole), kind)
    return pages


def draw(text: str, seed: int, *, whole: bool = False) -> list[Image.Image]:
    """Return the pages of a text as a scanner makes them: a little turned, with noise."""
    chance = random.Random(seed)  # noqa: S311 -- the same pages each time
    noise = np.random.default_rng(seed)
    return [
        _scanned(page, chance.uniform(-_MOST_TURN, _MOST_TURN), noise) for page in _pages(text, whole=whole)
    ]


def _pages(text: str, *, whole: bool) -> Iterator[Image.Image]:
    """Yield the pages of a text; ``whole``: none ends within a paragraph that fits on a page."""
    font = ImageFont.truetype(FONT, _SIZE)
    page = Image.new("L", (_WIDTH, _HEIGHT), _PAPER)
    y, bottom = _MARGIN, _HEIGHT - _MARGIN
    for paragraph in text.splitlines():
        lines = list(_lines(paragraph, font))
        needed = _LEADING * len(lines) if whole else 0
        for line in lines:
            if y + max(needed, _LEADING) > bottom and y > _MARGIN:
                yield page
                page = Image.new("L", (_WIDTH, _HEIGHT), _PAPER)
                y = _MARGIN
            ImageDraw.Draw(page).text((_MARGIN, y), line, _INK, font)
            y += _LEADING
            needed = 0
        y += _GAP if lines else 0
    yield page


def _lines(paragraph: str, font: ImageFont.FreeTypeFont) -> Iterator[str]:
    """Yield the lines of a paragraph."""
    line = ""
    for word in paragraph.split():
        longer = f"{line} {word}".strip()
        if line and font.getlength(longer) > _WIDTH - 2 * _MARGIN:
            yield line
            longer = word
        line = longer
    if line:
        yield line


def _scanned(page: Image.Image, turn: float, noise: np.random.Generator) -> Image.Image:
    turned = page.rotate(turn, Image.Resampling.BICUBIC, fillcolor=_PAPER)
    levels = np.asarray(turned) + noise.normal(0, _NOISE, (_HEIGHT, _WIDTH))
    return Image.fromarray(levels.clip(0, 255).astype(np.uint8))


def write_scans(folder: Path, name: str, pages: Sequence[Image.Image], kind: str) -> int:
    """Write the pages of an article, and return how many there are."""
    if kind == "pdf":
        pages[0].save(folder / f"{name}.pdf", save_all=True, append_images=pages[1:], resolution=DPI)
    else:
        for number, page in enumerate(pages, start=1):
            page.save(folder / f"{name}.{number:03}.png", dpi=(DPI, DPI))
    return len(pages)


# Measuring


def character_error(index: Path, texts: dict[str, str]) -> float:
    """Return the edit distance of the recognised texts to the true ones, over the length of these."""
    store = generation.load(generation.current(index)).store
    recognised: dict[str, str] = {}
    for document in sorted(store.all_documents(), key=lambda document: document.path):
        name = next(name for name in texts if document.path.startswith(name))
        recognised[name] = f"{recognised.get(name, '')} {store.text(document.id)}"
    store.close()
    wrong = sum(
        Levenshtein.distance(_normalised(text), _normalised(recognised.get(name, "")))
        for name, text in texts.items()
    )
    return wrong / sum(len(_normalised(text)) for text in texts.values())


def success(index: Path, questions: Sequence[Row], texts: dict[str, str]) -> float:
    """Return the share of questions whose first passage contains an answer, but for a few wrong letters."""
    searcher = LiveSearcher(Settings(index=index)).current()
    return mean(
        any(_holds(hit.passage.text, hit.passage.document.path, question, texts) for hit in result.hits)
        for question in questions
        for result in [searcher.search(Query(question["question"], k=1))]
    )


def _holds(passage: str, path: str, question: Row, texts: dict[str, str]) -> bool:
    return any(
        path.startswith(answer["doc"])
        and partial_ratio(
            _normalised(texts[answer["doc"]][answer["start"] : answer["end"]]), _normalised(passage)
        )
        >= _ALIKE
        for answer in question["answers"]
    )


def _normalised(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).split())


if __name__ == "__main__":
    main()
