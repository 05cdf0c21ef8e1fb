"""Words → stems → BM25: which passages hold the question's words, and how telling those are."""

from __future__ import annotations

import logging
import threading
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import bm25s
import numpy as np
import regex
import Stemmer

from qa.contracts import Float32, Int64

VERSION = 1
"""Changes whenever the same passages may get other terms or scores."""

K1, B = 1.2, 0.75

ALGORITHMS = {
    "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek",
    "en": "english", "eo": "esperanto", "es": "spanish", "et": "estonian", "eu": "basque", "fa": "persian",
    "fi": "finnish", "fr": "french", "ga": "irish", "hi": "hindi", "hu": "hungarian", "hy": "armenian",
    "id": "indonesian", "it": "italian", "lt": "lithuanian", "ne": "nepali", "nl": "dutch",
    "no": "norwegian", "pl": "polish", "pt": "portuguese", "ro": "romanian", "ru": "russian",
    "sr": "serbian", "sv": "swedish", "ta": "tamil", "tr": "turkish", "yi": "yiddish",
}  # fmt: skip
"""Snowball's algorithm for a language, by ISO 639-1 code."""

_SCRIPT_LANGUAGE = {"LATIN": "en", "CYRILLIC": "ru", "GREEK": "el", "ARABIC": "ar", "ARMENIAN": "hy",
                    "DEVANAGARI": "hi", "TAMIL": "ta", "HEBREW": "yi"}  # fmt: skip
_OTHER_SCRIPTS = {"bg": "CYRILLIC", "mk": "CYRILLIC", "uk": "CYRILLIC", "be": "CYRILLIC", "ru": "CYRILLIC",
                  "sr": "CYRILLIC", "el": "GREEK", "ar": "ARABIC", "fa": "ARABIC", "hy": "ARMENIAN",
                  "hi": "DEVANAGARI", "ne": "DEVANAGARI", "ta": "TAMIL", "yi": "HEBREW"}  # fmt: skip

# Scripts written without spaces between words: each pair of neighbouring characters is a term.
_UNSPACED = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"
_TERM = regex.compile(
    rf"(?P<unspaced>{_UNSPACED}+)|\d+(?:[.,]\d+)+"
    rf"|[[\p{{L}}\p{{N}}]--{_UNSPACED}][[\p{{L}}\p{{M}}\p{{N}}]--{_UNSPACED}]*(?:['’]\p{{L}}+)*",
    regex.VERSION1,
)
_CACHED_STEMS = 500_000
_local = threading.local()
logging.getLogger("bm25s").setLevel(logging.WARNING)  # it sets itself to DEBUG


def terms(text: str, languages: Sequence[str]) -> Iterator[str]:
    """Give the index terms of a text, in order.

    Args:
        text: any text.
        languages: of the text, as ISO 639-1 codes. With several, each word is stemmed in every one that
            is written in its script; with none, as the script's most common language.
    """
    for found in _TERM.finditer(unicodedata.normalize("NFKC", text).casefold()):
        word = found.group()
        if found["unspaced"]:
            yield from (word[i : i + 2] for i in range(max(1, len(word) - 1)))
        else:
            yield from _stems(word.replace("’", "'"), tuple(languages))


def _stems(word: str, languages: tuple[str, ...]) -> Iterable[str]:
    # A stemmer may not be used by two threads at once, so each thread keeps its own, and what it found.
    cache: dict[tuple[str, tuple[str, ...]], Iterable[str]] = _local.__dict__.setdefault("stems", {})
    stems = cache.get((word, languages))
    if stems is None:
        if len(cache) > _CACHED_STEMS:
            cache.clear()
        script = unicodedata.name(word[0], "").split(" ", 1)[0]
        spoken = [code for code in languages if _OTHER_SCRIPTS.get(code, "LATIN") == script]
        spoken = spoken or [_SCRIPT_LANGUAGE.get(script, "")]
        stems = cache[word, languages] = dict.fromkeys(_fold(_stem(word, code)) for code in spoken)
    return stems


def _stem(word: str, language: str) -> str:
    if language not in ALGORITHMS:
        return word
    stemmers: dict[str, Stemmer.Stemmer] = _local.__dict__.setdefault("stemmers", {})
    if language not in stemmers:
        stemmers[language] = Stemmer.Stemmer(ALGORITHMS[language])
    stem: str = stemmers[language].stemWord(word)
    return stem


def _fold(stem: str) -> str:
    """Drop accents from Latin letters: people leave them out when they ask."""
    decomposed = unicodedata.normalize("NFD", stem)
    if not "a" <= decomposed[0] <= "z":
        return stem
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


class LexicalIndex:
    """BM25 over the passages' terms, as Lucene has it, k1 1.2 and b .75.

    Robertson and Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond (2009). A passage's
    score is divided by what the question's terms could give at most, the sum of their inverse document
    frequencies, a term that no passage holds included. So it lies in [0, 1] and means the same for every
    question: how much of what is telling in it the passage holds.
    """

    def __init__(self, bm25: bm25s.BM25 | None) -> None:
        self._bm25 = bm25
        if bm25 is not None:
            self._size: int = int(bm25.scores["num_docs"])
            self._frequencies = np.diff(bm25.scores["indptr"])

    @classmethod
    def build(cls, passages: Iterable[Iterable[str]]) -> LexicalIndex:
        """Index passages, each given by its terms."""
        vocabulary: dict[str, int] = {}
        rows = [[vocabulary.setdefault(term, len(vocabulary)) for term in passage] for passage in passages]
        if not vocabulary:
            return cls(None)
        bm25 = bm25s.BM25(k1=K1, b=B, method="lucene")
        bm25.index((rows, vocabulary), create_empty_token=False, show_progress=False)
        return cls(bm25)

    def save(self, folder: Path) -> None:
        """Write the index into a folder of its own."""
        folder.mkdir()
        if self._bm25 is not None:
            self._bm25.save(folder, show_progress=False)

    @classmethod
    def load(cls, folder: Path) -> LexicalIndex:
        """Open what ``save`` wrote; the postings are mapped, not read."""
        if not any(folder.iterdir()):
            return cls(None)
        return cls(bm25s.BM25.load(folder, mmap=True, show_progress=False))

    def weights(self, query: Iterable[str]) -> dict[str, float]:
        """Give the inverse document frequency of each of a question's terms."""
        wanted = dict.fromkeys(query)
        if self._bm25 is None:
            return dict.fromkeys(wanted, 1.0)
        places = (self._bm25.vocab_dict.get(term) for term in wanted)
        frequencies = np.array([0 if place is None else self._frequencies[place] for place in places])
        telling = np.log1p((self._size - frequencies + 0.5) / (frequencies + 0.5))
        return dict(zip(wanted, telling.tolist(), strict=True))

    def match(self, weights: Mapping[str, float]) -> tuple[Int64, Float32]:
        """Find the passages that hold any of a question's terms.

        Args:
            weights: the terms, as ``weights`` gave them.

        Returns:
            The passages' rows, ascending, and their scores in [0, 1].
        """
        vocabulary = {} if self._bm25 is None else self._bm25.vocab_dict
        known = [vocabulary[term] for term in weights if term in vocabulary]
        if self._bm25 is None or not known:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        matrix = self._bm25.scores
        postings = [slice(*matrix["indptr"][[term, term + 1]]) for term in known]
        found = np.concatenate([matrix["indices"][part] for part in postings])
        gains = np.concatenate([matrix["data"][part] for part in postings])
        rows, places = np.unique(found, return_inverse=True)
        scores = np.bincount(places, gains, minlength=len(rows)) / sum(weights.values())
        return rows.astype(np.int64), scores.astype(np.float32)


def coverage(weights: Mapping[str, float], found: Iterable[str]) -> float:
    """Give the share of a question's terms, by weight, that a text's terms hold, in [0, 1]."""
    total = sum(weights.values())
    return sum(weights.get(term, 0.0) for term in set(found)) / total if total else 0.0
