"""Texts on which a regular expression takes longest, made from the expression itself, and the time it takes.

Run as a program it reads a pattern from standard input, as JSON, and writes the texts that took it longer
than in proportion to their length. It has a limit of time: Python cannot interrupt a search.
"""

from __future__ import annotations

import json
import random
import re
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

_parser: Any = re._parser  # type: ignore[attr-defined]

_FEW, _SHORT, _LONG = 250, 12_000, 1_000_000
_LINEAR = 0.003  # seconds for a short text: a pattern that takes a square of its length takes longer
_MEASURABLE = 0.005  # seconds
_TIMES = 8  # times as long a text, for which a linear search takes 8 times as long, one that is not 64 times
_STEEP = 24  # between the two, for the machine may be busy
_TRIES = 3
_DRAWS = 8
_GENERIC = "aA1 _\t\n\r\x0b\x1f\0é中.,:;'\"!?-=/()<>[]&«»|"
_RUNS = [*"aA1 _\n\r.'\"-=([<&", "a ", "a.", "AA. ", "a\n", " \n", "\r\n", "a-", "1.", "1,", "a'", "é", "中"]
_ENDS = ("", "!", "\n", "a")
_REPEATS = {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}
_CATEGORIES: dict[str, Callable[[str], bool]] = {
    "CATEGORY_DIGIT": str.isdigit,
    "CATEGORY_SPACE": str.isspace,
    "CATEGORY_WORD": lambda sign: sign.isalnum() or sign == "_",
}


class Text(NamedTuple):
    """A text: ``start``, then ``unit`` again and again, then ``end``."""

    start: str
    unit: str
    end: str

    def of_length(self, length: int) -> str:
        """Give a text of about so many characters."""
        return self.start + self.unit * max(1, length // len(self.unit)) + self.end


def texts(pattern: str, flags: int) -> Iterator[Text]:
    """Give texts on which the pattern may take long: its repeated parts, again and again, after what it wants
    before them and before what it doesn't; the same with near misses; and runs of any signs.
    """
    drawing = _Drawing(_parser.parse(pattern, flags))
    repeats = list(drawing.repeats())
    wholes = drawing.draws(drawing.tree)
    misses = [whole[:-1] for whole in wholes] + [whole[1:] for whole in wholes]
    units = [*(unit for _, unit in repeats), *wholes, *misses, *drawing.alphabet, *_RUNS]
    starts = list(dict.fromkeys(["", *(start for start, _ in repeats)]))
    for unit in dict.fromkeys(filter(None, units)):
        own = dict.fromkeys(start for start, repeated in repeats if repeated == unit)
        for start in dict.fromkeys(["", *list(own)[:2], *drawing.some(starts, 1)]):
            for end in _ENDS if own else _ENDS[:2]:
                yield Text(start, unit, end)


class _Drawing:
    """Draws texts that match a pattern's parts, by chance that is always the same."""

    def __init__(self, tree: Any) -> None:
        self.tree = tree
        self._chance = random.Random(0)
        self._groups: dict[int, str] = {}
        self.alphabet = list(dict.fromkeys([*_mentioned(tree), *_GENERIC]))

    def some(self, values: Sequence[str], count: int) -> list[str]:
        return self._chance.sample(values, min(count, len(values)))

    def draws(self, tree: Any) -> list[str]:
        return list(dict.fromkeys(self._draw(tree) for _ in range(_DRAWS)))

    def repeats(self, tree: Any = None, before: str = "") -> Iterator[tuple[str, str]]:
        """Give, for each repeated part, what may stand before it and what it may be."""
        for operation, argument in self.tree if tree is None else tree:
            for inner in _inner(str(operation), argument):
                if str(operation) in _REPEATS:
                    yield from ((before, unit) for unit in self.draws(inner))
                yield from self.repeats(inner, before)
            before += self._draw([(operation, argument)])

    def _draw(self, tree: Any) -> str:
        return "".join(self._one(str(operation), argument) for operation, argument in tree)

    def _one(self, operation: str, argument: Any) -> str:
        if operation == "LITERAL":
            return chr(argument)
        if operation in {"IN", "NOT_LITERAL", "ANY"}:
            members = [sign for sign in self.alphabet if _is_in(operation, argument, sign)]
            return self._chance.choice(members or ["a"])
        if operation in _REPEATS:
            least, most, part = argument
            count = self._chance.randint(int(least), min(int(most), int(least) + 2))
            return "".join(self._draw(part) for _ in range(count))
        if operation == "GROUPREF":
            return self._groups.get(argument, "")
        if operation in {"AT", "ASSERT", "ASSERT_NOT"}:
            return ""
        text = self._draw(self._chance.choice(_inner(operation, argument)))
        if operation == "SUBPATTERN":
            self._groups[argument[0]] = text
        return text


def _inner(operation: str, argument: Any) -> list[Any]:
    """Give the parts that a part of a pattern is made of; of a choice, each."""
    if operation in _REPEATS:
        return [argument[2]]
    if operation == "BRANCH":
        return list(argument[1])
    if operation in {"SUBPATTERN", "ASSERT", "ASSERT_NOT"}:
        return [argument[-1]]
    return [argument] if operation == "ATOMIC_GROUP" else []


def _mentioned(tree: Any) -> Iterator[str]:
    """Give the signs that a pattern names, those at the ends of ranges among them."""
    for operation, argument in tree:
        if str(operation) in {"LITERAL", "NOT_LITERAL"}:
            yield chr(argument)
        elif str(operation) == "RANGE":
            yield from map(chr, argument)
        elif str(operation) == "IN":
            yield from _mentioned(argument)
        for inner in _inner(str(operation), argument):
            yield from _mentioned(inner)


def _is_in(operation: str, argument: Any, sign: str) -> bool:
    if operation == "ANY":
        return sign != "\n"
    if operation == "NOT_LITERAL":
        return ord(sign) != argument
    negated = any(str(kind) == "NEGATE" for kind, _ in argument)
    return negated != any(_is_one(str(kind), value, sign) for kind, value in argument)


def _is_one(kind: str, value: Any, sign: str) -> bool:
    if kind == "LITERAL":
        return ord(sign) == value
    if kind == "RANGE":
        return bool(value[0] <= ord(sign) <= value[1])
    name = str(value)
    plain = name.replace("_NOT_", "_")
    return kind == "CATEGORY" and _CATEGORIES[plain](sign) != (plain != name)


def is_steep(run: Callable[[str], object], text: Text) -> bool:
    """Whether the time that a search takes grows clearly faster than its text."""
    if _seconds(run, text.of_length(_SHORT)) < _LINEAR:
        return False
    length = _FEW
    while (short := _best(run, text.of_length(length))) < _MEASURABLE:
        length *= 2
        if length > _LONG:
            return False
    long = text.of_length(length * _TIMES)
    return all(_seconds(run, long) > _STEEP * short for _ in range(_TRIES))


def _best(run: Callable[[str], object], text: str) -> float:
    return min(_seconds(run, text) for _ in range(_TRIES))


def _seconds(run: Callable[[str], object], text: str) -> float:
    started = time.process_time()
    run(text)
    return time.process_time() - started


def _runs(pattern: Any, methods: Sequence[str], *, in_bytes: bool) -> dict[str, Callable[[str], object]]:
    """Give the ways in which a pattern is used."""
    ways: dict[str, Callable[[Any], object]] = {
        "match": pattern.match,
        "fullmatch": pattern.fullmatch,
        "search": pattern.search,
        "scan": lambda text: sum(1 for _ in pattern.finditer(text)),
    }

    def way(name: str) -> Callable[[str], object]:
        return lambda text: ways[name](text.encode("utf-8", "surrogatepass") if in_bytes else text)

    return {name: way(name) for name in dict.fromkeys(name if name in ways else "scan" for name in methods)}


def main() -> None:
    """Sweep one pattern of the module ``kind``; ``plain`` is a form of it that ``re`` can parse."""
    asked = json.load(sys.stdin)
    resource.setrlimit(resource.RLIMIT_CPU, (asked["seconds"], asked["seconds"]))
    source: Any = asked["pattern"].encode("latin-1") if asked["bytes"] else asked["pattern"]
    if asked["kind"] == "regex":
        import regex

        pattern: Any = regex.compile(source, asked["flags"])
    else:
        pattern = re.compile(source, asked["flags"])
    runs = _runs(pattern, asked["methods"], in_bytes=asked["bytes"])
    for text in texts(asked["plain"], asked["flags"] if asked["kind"] == "re" else 0):
        for name, run in runs.items():
            sys.stdout.write(f"\n{name} {text!r}")
            sys.stdout.flush()
            if is_steep(run, text):
                sys.stdout.write(" is steep")
                sys.exit(1)


if __name__ == "__main__":
    main()
