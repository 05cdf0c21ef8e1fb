"""Text → words → index terms, in any language: the lexical index is made of them."""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache
from itertools import chain
from math import ceil
from sys import getsizeof

import regex
import Stemmer

from qa.types import Span

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
    rf"{_UNSPACED}++|\d++(?:[.,]\d++)++"
    rf"|[[\p{{L}}\p{{N}}]--{_UNSPACED}][[\p{{L}}\p{{M}}\p{{N}}]--{_UNSPACED}]*+(?:['’]\p{{L}}++)*+",
    regex.VERSION1,
)
_SUFFIX = regex.compile(r"\.\p{L}[\p{L}\p{N}]{0,5}$")
_CHUNK = regex.compile(r"[\p{L}\p{M}\p{N}]++")
_PIECE = regex.compile(r"\p{N}++|\p{Lu}+(?!\p{Ll})|\p{Lu}?[\p{L}\p{M}--\p{Lu}]++", regex.VERSION1)
_YEAR_AT_END = regex.compile(r"(?<=^[a-z]{1,3})(?:19|20)\d\d$")
_STARTS_UNSPACED = regex.compile(_UNSPACED)
_SOUTH_EAST = regex.compile(r"[\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]")
_UNDECOMPOSED = str.maketrans(
    {"đ": "d", "ð": "d", "ħ": "h", "ı": "i", "ł": "l", "ø": "o", "œ": "oe", "æ": "ae"}
)
# The names of the lists of stop words in bm25s (MIT licence), of which nothing else is used at run time. The
# lists are not copied, so that they come with their licence; the tests compare BM25 with bm25s anyway.
_STOPWORDS = {"da": "DANISH", "de": "GERMAN", "en": "EN_PLUS", "es": "SPANISH", "fr": "FRENCH",
              "it": "ITALIAN", "nl": "DUTCH", "no": "NORWEGIAN", "pt": "PORTUGUESE", "ru": "RUSSIAN",
              "sv": "SWEDISH", "tr": "TURKISH"}  # fmt: skip
_MORE_COMMON_WORDS = {"ru": ("сколько", "какой", "каков")}  # words of questions that the list lacks

_LETTERS_A_WORD, _LETTERS_A_WORD_SOUTH_EAST = 3, 5
"""So many characters count as a word in scripts without spaces: in Chinese and Japanese, where most words
have two or three; and in Thai, Lao, Khmer and Burmese, whose vowels and tones are characters of their own."""

KEPT = 16 * 2**20
"""How many bytes of words and their index terms a thread keeps: some 60,000 words. Chosen."""

_LONGEST_KEPT = 64
"""A longer word is not kept. Chosen: hardly any real word is longer."""

_SLOT = 100  # bytes that a dictionary takes for an entry, at most


def words_of_path(path: str) -> list[str]:
    """Return the words of a path's folders and file name, and those that these are made of, each once.

    >>> words_of_path("filings/AMAZON_2017_10K.pdf")
    ['filings', 'amazon', '2017', '10k', '10', 'k']
    >>> words_of_path("AnnualReport.v2/notes.txt")
    ['annualreport', 'annual', 'report', 'v2', 'v', '2', 'notes']
    """
    distinct: dict[str, None] = {}
    for chunk in _CHUNK.findall(_SUFFIX.sub("", path)):
        pieces = _PIECE.findall(chunk)
        distinct |= dict.fromkeys(word.casefold() for word in [chunk, *(pieces if len(pieces) > 1 else [])])
    return list(distinct)


def words(text: str, languages: Sequence[str]) -> Iterator[tuple[Span, tuple[str, ...]]]:
    """Yield each word's place in a text and its index terms, in order.

    Args:
        text: any text.
        languages: the text's languages, as ISO 639-1 codes. With several, each word is stemmed in every
            language that is written in its script; with none, in the script's most common language.

    >>> [(span.slice("Two ports"), stems) for span, stems in words("Two ports", ["en"])]
    [('Two', ('two',)), ('ports', ('port',))]
    """
    word_terms = _terms_in(tuple(languages))
    for match in _TERM.finditer(text):
        word, start = match.group(), match.start()
        if _is_unspaced(word):
            for i, pair in enumerate(word_terms[word], start):
                yield Span(i, min(i + 2, match.end())), (pair,)
        else:
            yield Span(start, match.end()), word_terms[word]


def terms(text: str, languages: Sequence[str]) -> Iterator[str]:
    """Return the index terms of a text, in order, as ``words`` finds them."""
    return chain.from_iterable(map(_terms_in(tuple(languages)).__getitem__, _TERM.findall(text)))


@lru_cache(16)  # an index has one set of languages
def common_terms(languages: tuple[str, ...]) -> frozenset[str]:
    """Return the index terms of the words that are common in any text in these languages."""
    return frozenset(
        term for code in languages for word in _common_words(code) for term in terms(word, [code])
    )


@cache
def distinctive_words(language: str) -> frozenset[str]:
    """Return the words, in lower case, that are common in a language and in no other one with a list."""
    others = (_common_words(code) for code in _STOPWORDS if code != language)
    return frozenset(_common_words(language)) - frozenset(chain.from_iterable(others))


def _common_words(language: str) -> Iterable[str]:
    if language not in _STOPWORDS:
        return ()
    from bm25s import stopwords  # takes long to load, and only a build needs it

    return (*getattr(stopwords, f"STOPWORDS_{_STOPWORDS[language]}"), *_MORE_COMMON_WORDS.get(language, ()))


def count_words(text: str) -> int:
    """Count words. In scripts without spaces between them, some characters count as one.

    >>> count_words("Two ports"), count_words("两个港口"), count_words("ท่าเรือสองแห่ง")
    (2, 2, 3)
    """
    return sum(ceil(len(word) / _letters_a_word(word)) for word in _TERM.findall(text))


def _letters_a_word(word: str) -> int:
    if not _is_unspaced(word):
        return len(word)
    return _LETTERS_A_WORD_SOUTH_EAST if _SOUTH_EAST.match(word) else _LETTERS_A_WORD


def _is_unspaced(word: str) -> bool:
    return not word.isascii() and _STARTS_UNSPACED.match(word) is not None


class _Kept(threading.local):
    """The index terms that a thread keeps, by language: two threads may not use one stemmer at once."""

    def __init__(self) -> None:
        self.by_languages: dict[tuple[str, ...], _WordTerms] = {}
        self.size = 0

    def make_room(self, size: int) -> None:
        """Count an entry of so many bytes. If that is too much, remove all entries before it."""
        if self.size + size > KEPT:
            for word_terms in self.by_languages.values():
                word_terms.clear()
            self.size = 0
        self.size += size


_kept = _Kept()


class _WordTerms(dict[str, tuple[str, ...]]):
    """The index terms of words in some languages. Those of recent words are kept."""

    def __init__(self, languages: tuple[str, ...]) -> None:
        super().__init__()
        self._languages = languages
        self._stemmers: dict[str, Stemmer.Stemmer] = {}

    def __missing__(self, word: str) -> tuple[str, ...]:
        if _is_unspaced(word):
            return tuple(unicodedata.normalize("NFKC", word[i : i + 2]) for i in range(max(1, len(word) - 1)))
        terms = self._terms(word)
        if len(word) <= _LONGEST_KEPT:
            _kept.make_room(_SLOT + sum(map(getsizeof, (word, terms, *terms))))
            self[word] = terms
        return terms

    def _terms(self, word: str) -> tuple[str, ...]:
        plain = _fold(unicodedata.normalize("NFKC", word).casefold().replace("’", "'"))
        script = unicodedata.name(plain[0], "").split(" ", 1)[0]
        languages = [code for code in self._languages if _OTHER_SCRIPTS.get(code, "LATIN") == script]
        languages = languages or [_SCRIPT_LANGUAGE.get(script, "")]
        stems = [self._stem(plain, code) for code in languages]
        return tuple(dict.fromkeys([*stems, *_YEAR_AT_END.findall(plain)]))

    def _stem(self, word: str, language: str) -> str:
        if language not in ALGORITHMS:
            return word
        if language not in self._stemmers:
            self._stemmers[language] = Stemmer.Stemmer(ALGORITHMS[language], 0)  # 0: it keeps no words itself
        stem: str = self._stemmers[language].stemWord(word)
        return stem


def _terms_in(languages: tuple[str, ...]) -> _WordTerms:
    if languages not in _kept.by_languages:
        _kept.by_languages[languages] = _WordTerms(languages)
    return _kept.by_languages[languages]


def _fold(word: str) -> str:
    """Drop accents from Latin letters: people leave them out of questions."""
    decomposed = unicodedata.normalize("NFD", word).translate(_UNDECOMPOSED)
    if not "a" <= decomposed[0] <= "z":
        return word
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))
