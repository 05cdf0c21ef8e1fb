"""Text → words → index terms: what of a text is searched by word, in any language."""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from math import ceil

import regex
import Stemmer

from qa.contracts import Span

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
_STOPWORDS = {"da": "DANISH", "de": "GERMAN", "en": "EN_PLUS", "es": "SPANISH", "fr": "FRENCH",
              "it": "ITALIAN", "nl": "DUTCH", "no": "NORWEGIAN", "pt": "PORTUGUESE", "ru": "RUSSIAN",
              "sv": "SWEDISH", "tr": "TURKISH"}  # fmt: skip
_MORE_COMMON_WORDS = {"ru": ("сколько", "какой", "каков")}
_LETTERS_A_WORD = 3
_CACHED_STEMS = 500_000
_local = threading.local()


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
        term for code in languages for word in _common_words(code) for term in terms(word, [code])
    )


def _common_words(language: str) -> Iterable[str]:
    if language not in _STOPWORDS:
        return ()
    from bm25s import stopwords  # noqa: PLC0415 -- takes long to load, and only a build needs it

    return (*getattr(stopwords, f"STOPWORDS_{_STOPWORDS[language]}"), *_MORE_COMMON_WORDS.get(language, ()))


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
