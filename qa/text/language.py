"""Which language a text is in, and how well a model knows it."""

from __future__ import annotations

from functools import cache
from typing import Any

from qa.text.extent import letters
from qa.text.terms import distinctive_words

_SURE = 0.9
_SURE_OF_A_PASSAGE = 0.99
"""A document or a passage is in a language with at least this probability. Chosen: a passage that is in
another language than its document is the exception."""

_MIN_LETTERS = 60
"""A text with fewer letters (``extent.letters``) is too short to tell. Chosen, as the next two: ten words."""

_SAMPLE = 4_000
"""So many characters of a text are looked at: two pages."""

_MIN_DISTINCTIVE = 0.1
"""A passage is in its document's language if this share of its words is common in it and in no other."""

_KNOWN_FERTILITY, _UNKNOWN_FERTILITY = 2.0, 4.0
"""Tokens a word: up to the first a model knows the language, from the second on not at all. Chosen: the
default model has 1 to 2 for the languages it was trained on, and words of others fall into letters."""


def detect(text: str, sure: float = _SURE) -> str | None:
    """Return the ISO 639-1 code of a text's language, or None if it is too short or too mixed to tell."""
    sample = text[:_SAMPLE]
    if letters("".join(filter(str.isalpha, sample))) < _MIN_LETTERS:
        return None
    language, probability = _identifier().classify(sample)
    return str(language) if probability >= sure else None


def detect_passage(text: str, document_language: str | None) -> str | None:
    """Return a passage's language: its document's, unless it is surely in another."""
    if document_language and _is_full_of(text, distinctive_words(document_language)):
        return document_language  # most passages end here, at a fraction of the work
    return detect(text, _SURE_OF_A_PASSAGE) or document_language


def _is_full_of(text: str, words: frozenset[str]) -> bool:
    text_words = text.casefold().split()
    return sum(map(words.__contains__, text_words)) >= _MIN_DISTINCTIVE * max(len(text_words), 1)


def fluency(tokens: int, words: int) -> float:
    """Return how well a model knows a text's language, from 0, not at all, to 1.

    It follows from the tokenizer's fertility, the number of tokens a word (Rust et al., How Good is Your
    Tokenizer?, ACL 2021). A tokenizer makes one or two tokens of a word in a language that its model was
    trained on. It breaks words of other languages into letters, and then the model's vectors say little.

    >>> fluency(tokens=15, words=5)
    0.5
    """
    fertility = tokens / max(words, 1)
    share = (_UNKNOWN_FERTILITY - fertility) / (_UNKNOWN_FERTILITY - _KNOWN_FERTILITY)
    return min(1.0, max(0.0, share))


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # reads its model

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
