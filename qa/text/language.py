"""Which language a text is in, and how well a model knows it."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Collection
from functools import cache
from typing import Any, NamedTuple

from qa.text.extent import letters
from qa.text.terms import count_words, distinctive_words

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

_SURELY_NOT = 0.01
"""A question is not in a language of less than this probability. Measured on XQuAD: by this rule all English
questions are English, and .992 of those of three words; .96 of the German, .98 of the Romanian, and all of
the Spanish and Vietnamese ones are not."""

_FEWEST_WORDS = 3
"""A question of fewer words is in any language of its script. Chosen: names (Müller) and terms (IPv6)
are taken for other languages."""

_LATIN = frozenset({"LATIN"})
_SCRIPTS = {
    code: frozenset(names.split())
    for names, codes in {
        "ARABIC": "ar ary arz fa ps sdh ug ur uzs", "ARMENIAN": "hy", "BENGALI": "as bn", "CJK": "wuu yue zh",
        "CJK HANGUL": "ko", "CJK HIRAGANA KATAKANA": "ja", "CYRILLIC": "ba be bg kk ky mk mn ru tg tt uk",
        "CYRILLIC LATIN": "az bs crh ku sr uz", "DEVANAGARI": "hi mr ne sa",
        "DEVANAGARI LATIN": "gom", "ETHIOPIC": "am", "GEORGIAN": "ka",
        "GREEK": "el grc", "GUJARATI": "gu", "GURMUKHI": "pa", "HEBREW": "hbo he yi",
        "KANNADA": "kn", "KHMER": "km", "LAO": "lo",
        "MALAYALAM": "ml", "MYANMAR": "my", "ORIYA": "or", "SINHALA": "si", "TAMIL": "ta",
        "TELUGU": "te", "THAI": "th", "TIBETAN": "bo dz",
    }.items()
    for code in codes.split()
}  # fmt: skip
"""The scripts of languages that are not written in the Latin one alone."""


class Fertility(NamedTuple):
    """Tokens a word: up to ``known`` a model knows the language, from ``unknown`` on not at all."""

    known: float
    unknown: float


FERTILITY = Fertility(2.0, 4.0)
"""Of the default model. Chosen: it has 1 to 2 for the languages it was trained on, and words of others fall
into letters."""

LEGIBLE = 0.5
"""A model can read text of at least this fluency: the middle of the scale."""


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


def foreign_languages(question: str, languages: Collection[str]) -> frozenset[str]:
    """Return those of some languages in which a question surely is not: no word of it is one of theirs.

    Of a word or two, only the script tells: they may be a name.

    Args:
        question: a text, however short.
        languages: ISO 639 codes.

    >>> sorted(foreign_languages("Wann wurde die Brücke gebaut?", ["de", "en", "ru"]))
    ['en', 'ru']
    """
    script = _question_script(question)
    if script is None:
        return frozenset()
    same_script = [code for code in languages if script in _SCRIPTS.get(code, _LATIN)]
    foreign = set(languages).difference(same_script)
    if same_script and count_words(question) >= _FEWEST_WORDS:
        probabilities = dict(_identifier().rank(question[:_SAMPLE]))
        foreign.update(code for code in same_script if probabilities.get(code, 1) < _SURELY_NOT)
    return frozenset(foreign)


def may_be_names(question: str) -> bool:
    """Whether a question is a word or two in Latin letters: a name or a part number, in any language.

    >>> may_be_names("Sihanoukville"), may_be_names("AB-1234X"), may_be_names("Пномпень")
    (True, True, False)
    """
    return count_words(question) < _FEWEST_WORDS and main_script(question) in (None, *_LATIN)


def main_script(text: str) -> str | None:
    """Return the script of most of a text's letters, as their names in Unicode begin; None if it has none."""
    plain = unicodedata.normalize("NFKC", text[:_SAMPLE])  # full-width letters are letters like others
    names = (unicodedata.name(letter, "") for letter in plain if letter.isalpha())
    scripts = Counter(name.partition(" ")[0].partition("-")[0] for name in names)
    return max(scripts, key=scripts.__getitem__, default=None)


def _question_script(question: str) -> str | None:
    """Return the script that a question is written in: Latin words among as many others are names.

    >>> _question_script("Кто основал McKinsey & Company?"), _question_script("What is a борщ?")
    ('CYRILLIC', 'LATIN')
    """
    script = main_script(question)
    if script not in _LATIN:
        return script
    words = [word for word in question[:_SAMPLE].split() if sum(map(str.isalpha, word)) > 1]  # no symbols
    others = [word for word in words if main_script(word) not in _LATIN]
    return main_script("".join(others)) if others and 2 * len(others) >= len(words) else script


def fluency(tokens: int, words: int, fertility: Fertility = FERTILITY) -> float:
    """Return how well a model knows a text's language, from 0, not at all, to 1.

    It follows from the tokenizer's fertility, the number of tokens a word (Rust et al., How Good is Your
    Tokenizer?, ACL 2021). A tokenizer makes one or two tokens of a word in a language that its model was
    trained on. It breaks words of other languages into letters, and then the model's vectors say little.

    >>> fluency(tokens=15, words=5)
    0.5
    """
    share = (fertility.unknown - tokens / max(words, 1)) / (fertility.unknown - fertility.known)
    return min(1.0, max(0.0, share))


def load_identifier() -> None:
    """Load what tells languages, for processes that are forked to share. It takes 80 MB."""
    _identifier()


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # reads its model

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
