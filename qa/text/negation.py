"""Words that turn a statement into its opposite."""

from __future__ import annotations

import regex

_WORDS = {
    "en": "not never no none nobody nothing nowhere without nor neither cannot except",
    "de": "nicht kein keine keinen keinem keiner keines nie niemals niemand nichts ohne weder außer",
    "fr": "ne pas jamais aucun aucune sans sauf",
    "es": "no nunca jamás nadie nada ningún ninguna sin excepto",
    "ru": "не нет ни никогда никто никого ничто ничего без кроме",
}
"""The most frequent ones of each language; all are looked for in any text."""

_NEGATION = regex.compile(
    rf"\b(?:{'|'.join(sorted(set(' '.join(_WORDS.values()).split())))})\b|(?<=\p{{L}})n['’]t\b",
    regex.IGNORECASE,
)


def is_negated(text: str) -> bool:
    """Return whether a text holds a negation.

    >>> is_negated("Which ports weren't closed?"), is_negated("Nobel"), is_negated("Кто не приехал?")
    (True, False, True)
    """
    return _NEGATION.search(text) is not None
