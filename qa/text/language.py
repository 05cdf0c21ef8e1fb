"""Which language a text is in."""

from __future__ import annotations

from functools import cache
from typing import Any

from qa.text.terms import telling_words

_SURE = 0.9
_SURE_OF_A_PASSAGE = 0.99
_FEWEST_LETTERS = 60
_SAMPLE = 4_000
_TELLING = 0.1
_WORDS, _LETTERS = 2.0, 4.0  # tokens a word


def detect(text: str, sure: float = _SURE) -> str | None:
    """Tell the ISO 639-1 code of a text's language, or None where it is too short or too mixed to tell."""
    sample = text[:_SAMPLE]
    if sum(map(str.isalpha, sample)) < _FEWEST_LETTERS:
        return None
    language, probability = _identifier().classify(sample)
    return str(language) if probability >= sure else None


def detect_passage(text: str, document_language: str | None) -> str | None:
    """Tell a passage's language: its document's, unless it is surely in another."""
    if document_language and _is_full_of(text, telling_words(document_language)):
        return document_language  # which is a fraction of the work: most passages of a large build
    return detect(text, _SURE_OF_A_PASSAGE) or document_language


def _is_full_of(text: str, words: frozenset[str]) -> bool:
    found = text.casefold().split()
    return sum(map(words.__contains__, found)) >= _TELLING * max(len(found), 1)


def legibility(tokens: int, words: int) -> float:
    """Tell how well a model knows a text's language, from 0, not at all, to 1.

    A tokenizer makes one or two tokens of a word of a language that its model was trained on; other
    languages it breaks into letters, and then the model's vectors say little.
    """
    return min(1.0, max(0.0, (_LETTERS - tokens / max(words, 1)) / (_LETTERS - _WORDS)))


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # reads its model

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
