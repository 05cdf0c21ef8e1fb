"""Slips of the keyboard: which words a mistyped one may have meant, and how likely each slip is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import chain, product

from qa.text.language import main_script

_LETTERS = {
    "LATIN": "abcdefghijklmnopqrstuvwxyz",
    "CYRILLIC": "абвгдежзийклмнопрстуфхцчшщъыьэюяіїєґў",
    "GREEK": "αβγδεζηθικλμνξοπρσςτυφχψω",
    "ARABIC": "".join(map(chr, (*range(0x621, 0x63B), *range(0x641, 0x64B)))),
    "HEBREW": "".join(map(chr, range(0x5D0, 0x5EB))),
    "ARMENIAN": "".join(map(chr, range(0x561, 0x587))),
    "GEORGIAN": "".join(map(chr, range(0x10D0, 0x10F1))),
    "DEVANAGARI": "".join(map(chr, (*range(0x904, 0x93A), *range(0x93E, 0x94E)))),
}
"""The letters, as they are compared, of scripts in which words are corrected."""

_KEYBOARDS = (
    ("qwertyuiop", "asdfghjkl", "zxcvbnm"),
    ("йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю"),
    (";ςερτυθιοπ", "ασδφγηξκλ", "ζχψωβνμ"),
)
_SHIFTS = 0.0, 0.25, 0.75
"""The rows of letters on keyboards, and how far each is shifted to the right, in keys."""

_SWAPPED, _DOUBLED, _DROPPED, _NEIGHBOUR, _EXTRA, _OTHER = 0.6, 0.6, 0.7, 0.8, 1.1, 1.2
_FIRST_LETTER = 0.5
"""The costs of slips: two letters swapped, one doubled or typed once instead of twice, one dropped, a
neighbouring key hit instead or as well, another letter too many, another letter instead; and what is added
for the first letter of a word. Chosen: about the negative decimal logarithms of their odds."""


def _neighbours() -> Mapping[str, frozenset[str]]:
    near: defaultdict[str, set[str]] = defaultdict(set)
    for keyboard in _KEYBOARDS:
        places = {
            letter: (row, key + shift)
            for row, (letters, shift) in enumerate(zip(keyboard, _SHIFTS, strict=True))
            for key, letter in enumerate(letters)
        }
        for (one, (row, x)), (other, (other_row, other_x)) in product(places.items(), repeat=2):
            if one != other and abs(row - other_row) <= 1 and abs(x - other_x) <= 1:
                near[one].add(other)
    return {letter: frozenset(others) for letter, others in near.items()}


_NEAR = _neighbours()


def meant_words(typed: str) -> Iterator[str]:
    """Yield each word of which one slip makes what was typed; none in scripts without a list of letters.

    >>> "tesla" in set(meant_words("tsela")), "tesla" in set(meant_words("tesla"))
    (True, False)
    """
    letters = _LETTERS.get(main_script(typed) or "", "")
    words: set[str] = set()
    for place in range(len(typed) + 1) if letters else ():
        before, after = typed[:place], typed[place:]
        words.update(before + letter + after for letter in letters)
        if after:
            words.add(before + after[1:])
            words.update(before + letter + after[1:] for letter in letters)
        if len(after) > 1:
            words.add(before + after[1] + after[0] + after[2:])
    yield from words - {typed}


def twice_meant_words(typed: str) -> Iterator[str]:
    """Yield the words of which two likely slips make what was typed, neither in the first letter.

    There are some ten thousands of them.

    >>> "interception" in set(twice_meant_words("intrceptoin"))
    True
    """
    once = set(_likely_words(typed))
    yield from set(chain.from_iterable(map(_likely_words, once))) - once - {typed}


def _likely_words(typed: str) -> Iterator[str]:
    """Yield the words of which a slip other than a strange letter makes what was typed."""
    letters = _LETTERS.get(main_script(typed) or "", "")
    for place in range(1, len(typed) + 1) if letters else ():
        before, after = typed[:place], typed[place:]
        for letter in letters:
            yield before + letter + after
        if after:
            for letter in _NEAR.get(after[0], ()):
                yield before + letter + after[1:]
            if _extra_cost(typed, place) < _EXTRA:
                yield before + after[1:]
        if len(after) > 1:
            yield before + after[1] + after[0] + after[2:]


def slip_cost(typed: str, meant: str) -> float:
    """Return how unlikely it is that slips make ``typed`` of ``meant``: the cost of the likeliest ones.

    The restricted Damerau-Levenshtein distance (https://en.wikipedia.org/wiki/Damerau–Levenshtein_distance)
    with a cost for each kind of slip.

    >>> slip_cost("tsela", "tesla") < slip_cost("tedla", "tesla") < slip_cost("tepla", "tesla")
    True
    """
    costs = {(0, 0): 0.0}
    for i, j in product(range(len(typed) + 1), range(len(meant) + 1)):
        ways = []
        first = 0.0 if i and j else _FIRST_LETTER
        if i and j:
            ways.append(costs[i - 1, j - 1] + _replaced_cost(typed, meant, i - 1, j - 1))
        if i:
            ways.append(costs[i - 1, j] + _extra_cost(typed, i - 1) + first)
        if j:
            doubled = j > 1 and meant[j - 1] == meant[j - 2]
            ways.append(costs[i, j - 1] + (_DOUBLED if doubled else _DROPPED) + first)
        if i > 1 and j > 1 and typed[i - 2 : i] == meant[j - 1] + meant[j - 2]:
            at_start = (i - 2, j - 2) == (0, 0)
            ways.append(costs[i - 2, j - 2] + _SWAPPED + (_FIRST_LETTER if at_start else 0.0))
        costs[i, j] = min(ways, default=0.0)
    return costs[len(typed), len(meant)]


def _replaced_cost(typed: str, meant: str, i: int, j: int) -> float:
    if typed[i] == meant[j]:
        return 0.0
    cost = _NEIGHBOUR if meant[j] in _NEAR.get(typed[i], ()) else _OTHER
    return cost + (_FIRST_LETTER if i == j == 0 else 0.0)


def _extra_cost(typed: str, place: int) -> float:
    """Return the cost of a letter too many at a place."""
    if place and typed[place] == typed[place - 1]:
        return _DOUBLED
    beside = typed[max(place - 1, 0) : place] + typed[place + 1 : place + 2]
    return _NEIGHBOUR if not _NEAR.get(typed[place], frozenset()).isdisjoint(beside) else _EXTRA
