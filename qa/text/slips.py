"""Slips of the keyboard: which words a mistyped one may have meant, and how likely each slip is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import product

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


def slip_cost(typed: str, meant: str) -> float:
    """Return how unlikely it is that one slip makes ``typed`` of ``meant``.

    >>> slip_cost("tsela", "tesla") < slip_cost("tedla", "tesla") < slip_cost("tepla", "tesla")
    True
    """
    lengths = range(min(len(typed), len(meant)))
    place = next((i for i in lengths if typed[i] != meant[i]), len(lengths))
    cost = _FIRST_LETTER if place == 0 else 0.0
    if len(typed) < len(meant):
        return cost + (_DOUBLED if place and meant[place] == meant[place - 1] else _DROPPED)
    if len(typed) > len(meant):
        if place and typed[place] == typed[place - 1]:
            return cost + _DOUBLED
        beside = typed[max(place - 1, 0) : place] + typed[place + 1 : place + 2]
        is_near = not _NEAR.get(typed[place], frozenset()).isdisjoint(beside)
        return cost + (_NEIGHBOUR if is_near else _EXTRA)
    if (
        typed[place : place + 2] == meant[place : place + 2][::-1]
        and typed[place + 2 :] == meant[place + 2 :]
    ):
        return cost + _SWAPPED
    return cost + (_NEIGHBOUR if meant[place] in _NEAR.get(typed[place], ()) else _OTHER)
