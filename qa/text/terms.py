"""Text → words → index terms: what of a text is searched by word, in any language."""

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
_STARTS_UNSPACED = regex.compile(_UNSPACED)
_UNDECOMPOSED = str.maketrans(
    {"đ": "d", "ð": "d", "ħ": "h", "ı": "i", "ł": "l", "ø": "o", "œ": "oe", "æ": "ae"}
)
_STOPWORDS = {"da": "DANISH", "de": "GERMAN", "en": "EN_PLUS", "es": "SPANISH", "fr": "FRENCH",
              "it": "ITALIAN", "nl": "DUTCH", "no": "NORWEGIAN", "pt": "PORTUGUESE", "ru": "RUSSIAN",
              "sv": "SWEDISH", "tr": "TURKISH"}  # fmt: skip
_MORE_COMMON_WORDS = {"ru": ("сколько", "какой", "каков")}
_LETTERS_A_WORD = 3

KEPT = 16 * 2**20
"""How many bytes of words and their index terms a thread keeps: some 60,000 words."""

_LONGEST_KEPT = 64
_SLOT = 100  # bytes that a dictionary takes for an entry, at most


def words(text: str, languages: Sequence[str]) -> Iterator[tuple[Span, tuple[str, ...]]]:
    """Give each word's place in a text and its index terms, in order.

    Args:
        text: any text.
        languages: of the text, as ISO 639-1 codes. With several, each word is stemmed in every one that
            is written in its script; with none, as the script's most common language.
    """
    known = _known(tuple(languages))
    for found in _TERM.finditer(text):
        word, start = found.group(), found.start()
        if _is_unspaced(word):
            for i, pair in enumerate(known[word], start):
                yield Span(i, min(i + 2, found.end())), (pair,)
        else:
            yield Span(start, found.end()), known[word]


def terms(text: str, languages: Sequence[str]) -> Iterator[str]:
    """Give the index terms of a text, in order, as ``words`` finds them."""
    return chain.from_iterable(map(_known(tuple(languages)).__getitem__, _TERM.findall(text)))


@lru_cache(16)  # of an index there is one set of languages
def common_terms(languages: tuple[str, ...]) -> frozenset[str]:
    """Give the index terms of the words that are common in any text in these languages."""
    return frozenset(
        term for code in languages for word in _common_words(code) for term in terms(word, [code])
    )


@cache
def telling_words(language: str) -> frozenset[str]:
    """Give the words that are common in a language and in no other one whose list is known, in lower case."""
    others = (_common_words(code) for code in _STOPWORDS if code != language)
    return frozenset(_common_words(language)) - frozenset(chain.from_iterable(others))


def _common_words(language: str) -> Iterable[str]:
    if language not in _STOPWORDS:
        return ()
    from bm25s import stopwords  # takes long to load, and only a build needs it

    return (*getattr(stopwords, f"STOPWORDS_{_STOPWORDS[language]}"), *_MORE_COMMON_WORDS.get(language, ()))


def count_words(text: str) -> int:
    """Count words; where a script has no spaces between them, every third character for one."""
    return sum(ceil(len(word) / _LETTERS_A_WORD) if _is_unspaced(word) else 1 for word in _TERM.findall(text))


def _is_unspaced(word: str) -> bool:
    return not word.isascii() and _STARTS_UNSPACED.match(word) is not None


class _Kept(threading.local):
    """The index terms that a thread keeps, by language: two threads may not use one stemmer at once."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, ...], _Known] = {}
        self.size = 0

    def make_room(self, size: int) -> None:
        """Count an entry of so many bytes. Where that is too much, all entries go before it."""
        if self.size + size > KEPT:
            for known in self.known.values():
                known.clear()
            self.size = 0
        self.size += size


_kept = _Kept()


class _Known(dict[str, tuple[str, ...]]):
    """The index terms of words in some languages; those of the words met last are kept."""

    def __init__(self, languages: tuple[str, ...]) -> None:
        super().__init__()
        self._languages = languages
        self._stemmers: dict[str, Stemmer.Stemmer] = {}

    def __missing__(self, word: str) -> tuple[str, ...]:
        if _is_unspaced(word):
            return tuple(unicodedata.normalize("NFKC", word[i : i + 2]) for i in range(max(1, len(word) - 1)))
        terms = self._terms(word)
        if len(word) <= _LONGEST_KEPT:  # whoever sends long words sends others each time
            _kept.make_room(_SLOT + sum(map(getsizeof, (word, terms, *terms))))
            self[word] = terms
        return terms

    def _terms(self, word: str) -> tuple[str, ...]:
        plain = _fold(unicodedata.normalize("NFKC", word).casefold().replace("’", "'"))
        script = unicodedata.name(plain[0], "").split(" ", 1)[0]
        spoken = [code for code in self._languages if _OTHER_SCRIPTS.get(code, "LATIN") == script]
        spoken = spoken or [_SCRIPT_LANGUAGE.get(script, "")]
        return tuple(dict.fromkeys(self._stem(plain, code) for code in spoken))

    def _stem(self, word: str, language: str) -> str:
        if language not in ALGORITHMS:
            return word
        if language not in self._stemmers:
            self._stemmers[language] = Stemmer.Stemmer(ALGORITHMS[language], 0)  # it need not keep words, too
        stem: str = self._stemmers[language].stemWord(word)
        return stem


def _known(languages: tuple[str, ...]) -> _Known:
    if languages not in _kept.known:
        _kept.known[languages] = _Known(languages)
    return _kept.known[languages]


def _fold(word: str) -> str:
    """Drop accents from Latin letters: people leave them out when they ask."""
    decomposed = unicodedata.normalize("NFD", word).translate(_UNDECOMPOSED)
    if not "a" <= decomposed[0] <= "z":
        return word
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))
