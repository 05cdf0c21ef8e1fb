"""Which languages of the passages the model can't read. Questions in them are matched by words only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import regex

from qa.embedding.model_protocols import Encoder
from qa.index.store import Store
from qa.text import language
from qa.text.terms import count_words

_SAMPLE = 20
"""So many passages of a language are looked at. Chosen: they have a thousand words and take milliseconds."""

_UNKNOWN_SAMPLE = 100
"""So many passages in no known language, which may be in several. Chosen."""

_MIN_SHARE = 0.01
"""A language with a smaller share of the passages is not looked at. Chosen: a tenth is worth a word."""

_LIKELY = 0.5
"""Texts in one script are named after a language that is at least so likely. Chosen: more likely than not."""

_NO_LETTERS = regex.compile(r"[^\p{L}\p{M}]+")


def count_illegible(store: Store, encoder: Encoder) -> dict[str, int]:
    """Count the passages in languages that the model can't read, the most frequent first.

    Args:
        store: the passages.
        encoder: the model, of which only the tokenizer is used.

    Returns:
        Numbers of passages by ISO 639-1 code. Passages whose language is unknown are counted by the language
        of those in the same script together or, if that is unknown too, by the script, such as
        ``Myanmar script``; their numbers are estimates from a sample.
    """
    counts = store.count_languages()
    total = sum(counts.values())
    illegible: Counter[str] = Counter()
    for code, count in counts.items():
        if count >= _MIN_SHARE * total:
            texts = _texts(store, code, _UNKNOWN_SAMPLE if code is None else _SAMPLE)
            parts = _by_script(texts) if code is None else {code: texts}
            for name, part in parts.items():
                if _is_illegible(part[:_SAMPLE], encoder):
                    illegible[name] += round(count * len(part) / len(texts))
    return dict(illegible.most_common())


def _texts(store: Store, code: str | None, most: int) -> list[str]:
    """Return the texts of passages in a language without what is no letter: numbers have no language."""
    passages = store.passages(store.spread_rows(code, most))
    return [_NO_LETTERS.sub(" ", passage.text) for passage in passages]


def _by_script(texts: Sequence[str]) -> dict[str, list[str]]:
    """Group texts whose language is unknown; those in Latin letters only if together they have one."""
    scripts: dict[str, list[str]] = {}
    for text in texts:
        if script := language.main_script(text):
            scripts.setdefault(script, []).append(text)
    named: dict[str, list[str]] = {}
    for script, part in scripts.items():
        code = language.detect("\n".join(part), _LIKELY)
        if code or script != "LATIN":
            named.setdefault(code or f"{script.capitalize()} script", []).extend(part)
    return named


def _is_illegible(texts: Sequence[str], encoder: Encoder) -> bool:
    tokens, words = sum(encoder.count_query_tokens(texts)), sum(map(count_words, texts))
    return language.fluency(tokens, words) < language.LEGIBLE
