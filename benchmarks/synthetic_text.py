"""Made-up documents, as many as wanted: real sentences of one source mixed, with other words in them.

Of a sentence's content words three in five make room for others, each time for different ones: words by how
often the real documents use them, made-up ones beyond those, names for names, numbers for numbers. How
often a word is drawn falls with its rank as in Zipf's law, and faster from where the real ones end (Ferrer
i Cancho and Solé, Two regimes in the frequency of words, 2001), so that the vocabulary grows as that of
real text does (Heaps' law, to the power of .6). A quarter come from the document's own few, as a text's
subject comes back in it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from common import Row

VERSION = 1
"""Changes whenever the same sentences may give other documents."""

PASSAGES_A_FILE = 100

_LEAST_WORDS, _LEAST_CHARACTERS = 85, 400
_SENTENCE_WORDS = range(6, 46)
_VARIANTS = 3
_REPLACED = 0.6
_OWN_WORDS, _OWN_SHARE = 40, 0.25
_STOP_WORDS = 150
_FLATTENED = 20  # the first ranks are about equally common once the stop words are gone
_RARE = 1.7  # the exponent beyond the real words

_WORD = re.compile(r"[^\W_]+")
_PROSE = re.compile(r"[A-Z][^\n\t|#*=]*[.?!]")
_SYLLABLES = [a + v + z for a in "bdfgklmnprstvz" for v in "aeiou" for z in ("", "n", "r", "l", "m")]

Random = np.random.Generator


@dataclass(frozen=True, slots=True)
class Template:
    """A sentence with ``%s`` for the words that change; ``kinds`` tells what each was, a letter each."""

    text: str
    kinds: str
    words: int


class Vocabulary:
    """Words by rank: those of real documents, the commonest first, then made-up ones without end."""

    def __init__(self, real: Sequence[str], *, capital: bool = False) -> None:
        self._real = real
        self._capital = capital
        head = np.log1p(len(real) / _FLATTENED)
        beyond = 1 / (_RARE - 1)
        self._made_up = beyond / (head + beyond)

    def draw(self, random: Random, count: int) -> list[str]:
        """Draw words, the commonest most often."""
        known, uniform = len(self._real), random.random(count)
        common = _FLATTENED * (known / _FLATTENED + 1) ** uniform - _FLATTENED
        rare = np.minimum(known * (1 - uniform) ** (-1 / (_RARE - 1)), 1e9)
        ranks = np.where(random.random(count) < self._made_up, rare, np.minimum(common, known - 1))
        return [self._word(rank) for rank in ranks.astype(np.int64).tolist()]

    def _word(self, rank: int) -> str:
        if rank < len(self._real):
            return self._real[rank]
        word = _made_up(rank)
        return word.capitalize() if self._capital else word


@lru_cache(maxsize=100_000)
def _made_up(rank: int) -> str:
    word = ""
    while rank:
        rank, syllable = divmod(rank, len(_SYLLABLES))
        word += _SYLLABLES[syllable]
    return word


class Library:
    """Writes documents; the same number always gives the same one."""

    def __init__(self, sources: Sequence[Sequence[str]]) -> None:
        """Learn from sentences, source by source."""
        counts = Counter(word for source in sources for text in source for word in _WORD.findall(text))
        self.stop_words = stop_words(sources)
        content = [word for word, _ in counts.most_common() if self._kind(word)]
        self._words = Vocabulary([word for word in content if self._kind(word) == "w"])
        self._names = Vocabulary([word for word in content if self._kind(word) == "n"], capital=True)
        random = np.random.default_rng(0)
        made = ([self._template(text, random) for text in source for _ in range(_VARIANTS)
                 if _PROSE.fullmatch(text) and len(_WORD.findall(text)) in _SENTENCE_WORDS]
                for source in sources)  # fmt: skip
        self._sources = [templates for templates in made if templates]
        sizes = np.array([len(templates) for templates in self._sources])
        self._shares = sizes / sizes.sum()

    def write(self, folder: Path, passages: int) -> Row:
        """Write documents with so many passages in all, a hundred files a folder."""
        files = -(-passages // PASSAGES_A_FILE)
        size = 0
        for number in range(files):
            text = self.document(number, min(PASSAGES_A_FILE, passages - number * PASSAGES_A_FILE))
            path = folder / f"{number // 100:03}" / f"{number:06}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            size += path.write_bytes(text.encode())
        return {"documents": files, "text_bytes": size}

    def document(self, number: int, passages: int) -> str:
        """Write one document: a title, and paragraphs apart by blank lines."""
        random = np.random.default_rng([VERSION, number])
        source = self._sources[random.choice(len(self._sources), p=self._shares)]
        kinds = ["nwn"]
        paragraphs = ["%s and the %s of %s"]
        for _ in range(passages):
            chosen = list(_paragraph(source, random))
            paragraphs.append(" ".join(template.text for template in chosen))
            kinds += [template.kinds for template in chosen]
        return "\n\n".join(paragraphs) % tuple(self._fill("".join(kinds), random)) + "\n"

    def _template(self, text: str, random: Random) -> Template:
        """Choose the words of a sentence that make room for others."""
        kinds = []

        def replace(match: re.Match[str]) -> str:
            kind = self._kind(match[0])
            if not kind or random.random() >= _REPLACED:
                return match[0]
            kinds.append(str(min(len(match[0]), 9)) if kind == "0" else kind)
            return "%s"

        replaced = _WORD.sub(replace, text.replace("%", "%%"))
        return Template(replaced, "".join(kinds), len(_WORD.findall(text)))

    def _kind(self, word: str) -> str:
        """Return a number, a name and a word apart; nothing for what stays."""
        if word.isdigit():
            return "0"
        if word.lower() in self.stop_words or len(word) <= 2 or not word.isalpha():
            return ""
        return "n" if word.istitle() else "w" if word.islower() else ""

    def _fill(self, kinds: str, random: Random) -> list[str]:
        """Draw what stands in the places of these kinds."""
        kind = np.array(list(kinds))
        filled = np.empty(len(kind), object)
        for letter, vocabulary in (("w", self._words), ("n", self._names)):
            places = np.flatnonzero(kind == letter)
            own = np.array(vocabulary.draw(random, _OWN_WORDS), object)[
                random.integers(_OWN_WORDS, size=len(places))
            ]
            drawn = np.array(vocabulary.draw(random, len(places)), object)
            filled[places] = np.where(random.random(len(places)) < _OWN_SHARE, own, drawn)
        for place in np.flatnonzero(~np.isin(kind, ["w", "n"])).tolist():
            filled[place] = _number(int(kinds[place]), random)
        return list(filled)


def stop_words(sources: Sequence[Sequence[str]]) -> frozenset[str]:
    """Return the words that most sources have."""
    counts: Counter[str] = Counter()
    for source in sources:
        counts.update({word.lower() for text in source for word in _WORD.findall(text)})
    commonest = sorted(counts, key=lambda word: (-counts[word], word))[:_STOP_WORDS]
    return frozenset(word for word in commonest if word.isalpha())


def _paragraph(source: Sequence[Template], random: Random) -> Iterator[Template]:
    """Choose sentences until they are a passage: no fragment, and not more than a model reads."""
    count = length = 0
    while count < _LEAST_WORDS or length < _LEAST_CHARACTERS:
        template = source[random.integers(len(source))]
        count, length = count + template.words, length + len(template.text)
        yield template


def _number(digits: int, random: Random) -> str:
    """Draw a number; of four digits they are years."""
    least, most = (1500, 2030) if digits == 4 else (10 ** (digits - 1), 10**digits)
    return str(random.integers(least, most))
