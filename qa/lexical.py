"""Words → stems → BM25: which passages hold the question's words, and how telling those are."""

from __future__ import annotations

import logging
import threading
import unicodedata
from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain, pairwise
from math import ceil, log1p
from pathlib import Path

import bm25s
import numpy as np
import regex
import Stemmer
from bm25s import stopwords

from qa.arrays import any_in_parts, offsets, ranges, shifted
from qa.contracts import Float32, Int32, Int64, Span

VERSION = 3
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
_UNDECOMPOSED = str.maketrans(
    {"đ": "d", "ð": "d", "ħ": "h", "ı": "i", "ł": "l", "ø": "o", "œ": "oe", "æ": "ae"}
)
_TERMS, _STARTS, _VOCABULARY = "terms.npy", "sentence_starts.npy", "vocab.index.json"
# Words such as "when did" are rare where nobody asks questions, and yet they tell nothing.
COMMON_SHARE = 0.2
"""What a common word of a question counts."""

_COMMON_WORDS = {
    "da": stopwords.STOPWORDS_DANISH, "de": stopwords.STOPWORDS_GERMAN,
    "en": stopwords.STOPWORDS_EN_PLUS, "es": stopwords.STOPWORDS_SPANISH,
    "fr": stopwords.STOPWORDS_FRENCH, "it": stopwords.STOPWORDS_ITALIAN,
    "nl": stopwords.STOPWORDS_DUTCH, "no": stopwords.STOPWORDS_NORWEGIAN,
    "pt": stopwords.STOPWORDS_PORTUGUESE, "sv": stopwords.STOPWORDS_SWEDISH,
    "tr": stopwords.STOPWORDS_TURKISH,
    "ru": (*stopwords.STOPWORDS_RUSSIAN, "сколько", "какой", "каков"),
}  # fmt: skip
_LETTERS_A_WORD = 3
_CACHED_STEMS = 500_000
_local = threading.local()
logging.getLogger("bm25s").setLevel(logging.WARNING)  # it sets itself to DEBUG


def words(text: str, languages: Sequence[str]) -> Iterator[tuple[Span, tuple[str, ...]]]:
    """Give each word's place in a text and its index terms, in order.

    Args:
        text: any text.
        languages: of the text, as ISO 639-1 codes. With several, each word is stemmed in every one that
            is written in its script; with none, as the script's most common language.
    """
    spoken = tuple(languages)
    for found in _TERM.finditer(text):
        start, end = found.span()
        if found["unspaced"]:
            for i in range(start, max(start + 1, end - 1)):
                yield Span(i, min(i + 2, end)), (unicodedata.normalize("NFKC", text[i : min(i + 2, end)]),)
        else:
            yield Span(start, end), _stems(found.group(), spoken)


def terms(text: str, languages: Sequence[str]) -> Iterator[str]:
    """Give the index terms of a text, in order, as ``words`` finds them."""
    for _, found in words(text, languages):
        yield from found


@cache
def common_terms(languages: tuple[str, ...]) -> frozenset[str]:
    """Give the index terms of the words that are common in any text in these languages."""
    return frozenset(
        term for code in languages for word in _COMMON_WORDS.get(code, ()) for term in terms(word, [code])
    )


def count_words(text: str) -> int:
    """Count words; where a script has no spaces between them, every third character for one."""
    found = _TERM.finditer(text)
    return sum(ceil(len(word.group()) / _LETTERS_A_WORD) if word["unspaced"] else 1 for word in found)


def _stems(word: str, languages: tuple[str, ...]) -> tuple[str, ...]:
    # A stemmer may not be used by two threads at once, so each thread keeps its own, and what it found.
    cache: dict[tuple[str, tuple[str, ...]], tuple[str, ...]] = _local.__dict__.setdefault("stems", {})
    stems = cache.get((word, languages))
    if stems is None:
        if len(cache) > _CACHED_STEMS:
            cache.clear()
        plain = _fold(unicodedata.normalize("NFKC", word).casefold().replace("’", "'"))
        script = unicodedata.name(plain[0], "").split(" ", 1)[0]
        spoken = [code for code in languages if _OTHER_SCRIPTS.get(code, "LATIN") == script]
        spoken = spoken or [_SCRIPT_LANGUAGE.get(script, "")]
        stems = cache[word, languages] = tuple(dict.fromkeys(_stem(plain, code) for code in spoken))
    return stems


def _stem(word: str, language: str) -> str:
    if language not in ALGORITHMS:
        return word
    stemmers: dict[str, Stemmer.Stemmer] = _local.__dict__.setdefault("stemmers", {})
    if language not in stemmers:
        stemmers[language] = Stemmer.Stemmer(ALGORITHMS[language])
    stem: str = stemmers[language].stemWord(word)
    return stem


def _fold(word: str) -> str:
    """Drop accents from Latin letters: people leave them out when they ask."""
    decomposed = unicodedata.normalize("NFD", word).translate(_UNDECOMPOSED)
    if not "a" <= decomposed[0] <= "z":
        return word
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


@dataclass(frozen=True, slots=True)
class PassageTerms:
    """A passage's index terms: those of its title, section and headings, and those of each sentence."""

    context: Sequence[str]
    sentences: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Question:
    """A question's terms as an index knows them.

    Attributes:
        weights: each different term's inverse document frequency, times its share; also of terms that no
            passage holds.
        known: the numbers of the terms that some passage holds, with their weights.
        shares: the same terms with what each counts: 1, or less for a common word.
        pairs: the numbers of neighbouring terms, with the smaller of their weights.
    """

    weights: Mapping[str, float]
    known: Mapping[int, float]
    shares: Mapping[int, float]
    pairs: Mapping[tuple[int, int], float]

    @property
    def total(self) -> float:
        """The most that a passage's terms could weigh."""
        return sum(self.weights.values())


class LexicalIndex:
    """BM25 over the passages' terms, as Lucene has it, and the terms themselves in their order.

    BM25 is that of Robertson and Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond (2009),
    with k1 1.2 and b .75. A passage's score is divided by what the question's terms could give at most, the
    sum of their inverse document frequencies, a term that no passage holds included. So it lies in [0, 1]
    and means the same for every question: how much of what is telling in it the passage holds.
    """

    def __init__(self, bm25: bm25s.BM25 | None, terms: Int32, sentence_starts: Int64) -> None:
        self._bm25 = bm25
        self._terms = terms
        self._starts = sentence_starts
        if bm25 is not None:
            self._size: int = int(bm25.scores["num_docs"])
            self._frequencies = np.diff(bm25.scores["indptr"])

    @classmethod
    def build(cls, passages: Iterable[PassageTerms]) -> LexicalIndex:
        """Index passages in the order of their rows."""
        vocabulary: dict[str, int] = {}
        rows: list[list[int]] = []
        counts: list[int] = []
        terms = array("i")
        for passage in passages:
            context, *sentences = [
                [vocabulary.setdefault(term, len(vocabulary)) for term in part]
                for part in (passage.context, *passage.sentences)
            ]
            rows.append([*context, *chain.from_iterable(sentences)])
            terms.extend(chain.from_iterable(sentences))
            counts += map(len, sentences)
        bm25 = None
        if vocabulary:
            bm25 = bm25s.BM25(k1=K1, b=B, method="lucene")
            bm25.index((rows, vocabulary), create_empty_token=False, show_progress=False)
        return cls(bm25, np.array(terms, np.int32), offsets(np.array(counts, np.int64)))

    def save(self, folder: Path) -> None:
        """Write the index into a folder of its own."""
        folder.mkdir()
        np.save(folder / _TERMS, self._terms, allow_pickle=False)
        np.save(folder / _STARTS, self._starts, allow_pickle=False)
        if self._bm25 is not None:
            self._bm25.save(folder, show_progress=False)

    @classmethod
    def load(cls, folder: Path) -> LexicalIndex:
        """Open what ``save`` wrote; postings and terms are mapped, not read."""
        starts = np.load(folder / _STARTS, allow_pickle=False)
        # An empty array cannot be mapped.
        terms = np.load(folder / _TERMS, "r" if starts[-1] else None, allow_pickle=False)
        found = (folder / _VOCABULARY).exists()
        return cls(bm25s.BM25.load(folder, mmap=True, show_progress=False) if found else None, terms, starts)

    @property
    def sentences(self) -> int:
        """How many sentences there are."""
        return len(self._starts) - 1

    def question(self, terms: Iterable[str], common: Collection[str] = ()) -> Question:
        """Look a question's terms up, given in their order; the ``common`` ones count little."""
        order = list(terms)
        vocabulary = {} if self._bm25 is None else self._bm25.vocab_dict
        shares = {term: COMMON_SHARE if term in common else 1.0 for term in order}
        weights = {term: share * self._weight(vocabulary.get(term)) for term, share in shares.items()}
        pairs = {
            (vocabulary[a], vocabulary[b]): min(weights[a], weights[b])
            for a, b in pairwise(order)
            if a != b and a in vocabulary and b in vocabulary
        }
        places = {term: vocabulary[term] for term in weights if term in vocabulary}
        known = {place: weights[term] for term, place in places.items()}
        return Question(weights, known, {place: shares[term] for term, place in places.items()}, pairs)

    def _weight(self, term: int | None) -> float:
        if self._bm25 is None:
            return 1.0
        frequency = 0 if term is None else int(self._frequencies[term])
        return log1p((self._size - frequency + 0.5) / (frequency + 0.5))

    def match(self, question: Question) -> tuple[Int64, Float32]:
        """Find the passages that hold any of a question's terms.

        Returns:
            The passages' rows, ascending, and their BM25 scores as shares of the most, in [0, 1].
        """
        if self._bm25 is None or not question.known:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        matrix = self._bm25.scores
        postings = [slice(*matrix["indptr"][[term, term + 1]]) for term in question.known]
        found = np.concatenate([matrix["indices"][part] for part in postings])
        shares = zip(question.shares.values(), postings, strict=True)
        gains = np.concatenate([share * matrix["data"][part] for share, part in shares])
        rows, places = np.unique(found, return_inverse=True)
        scores = np.bincount(places, gains, minlength=len(rows)) / question.total
        return rows.astype(np.int64), scores.astype(np.float32)

    def coverage(self, question: Question, sentences: Int64, carried: Float32 | None = None) -> Float32:
        """Give the share of a question's terms, by weight, that each of these sentences holds, in [0, 1].

        Args:
            question: the question.
            sentences: their rows.
            carried: what a term counts for each sentence if only the one before holds it; nothing by default.
        """
        terms, bounds = self._read(sentences)
        covered = np.zeros(len(sentences))
        for term, weight in question.known.items():
            held = any_in_parts(terms == term, bounds).astype(np.float32)
            covered += weight * (held if carried is None else np.maximum(held, carried * shifted(held, 0)))
        return (covered / (question.total or 1)).astype(np.float32)

    def adjacency(self, question: Question, firsts: Int64, lasts: Int64) -> Float32:
        """Give the share of a question's neighbouring terms, by weight, that are neighbours in a passage too.

        Args:
            question: the question.
            firsts: each passage's first sentence.
            lasts: each passage's last sentence, exclusive.

        Returns:
            Shape (passages,), in [0, 1].
        """
        begins, ends = self._starts[firsts], self._starts[lasts]
        terms, bounds = self._terms[ranges(begins, ends)], offsets(ends - begins)
        following = np.append(terms[1:], np.int32(-1))
        following[bounds[1:][ends > begins] - 1] = -1  # a passage's last term has no neighbour after it
        met = np.zeros(len(firsts))
        for (term, after), weight in question.pairs.items():
            met += weight * any_in_parts((terms == term) & (following == after), bounds)
        return (met / (sum(question.pairs.values()) or 1)).astype(np.float32)

    def shingles(self, first: int, last: int) -> frozenset[tuple[int, ...]]:
        """Give every run of three terms in the sentences ``first`` to ``last``: alike texts share most."""
        terms = self._terms[self._starts[first] : self._starts[last]].tolist()
        return frozenset(zip(terms, terms[1:], terms[2:], strict=False)) or frozenset([tuple(terms)])

    def _read(self, sentences: Int64) -> tuple[Int32, Int64]:
        """Give the sentences' terms, one after another, and where each begins and the last ends."""
        begins, ends = self._starts[sentences], self._starts[sentences + 1]
        return self._terms[ranges(begins, ends)], offsets(ends - begins)
