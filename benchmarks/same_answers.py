"""Compare the answers of two checkouts, over an index that each builds of the same documents.

    python benchmarks/same_answers.py DATA... --before CHECKOUT --after CHECKOUT [--questions 200]

Each DATA is a folder with `docs/` and `questions.jsonl`. Both services get every question in the modes
hybrid, dense and lexical, and every fifth question in several variants: other pages of results, filters by
language, type and date, facets, another order, a minimum confidence. Two answers are the same if they have
the same passages in the same order with the same sentences, and if no score, signal or confidence differs by
more than `TOLERANCE`.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlencode, urlsplit

import common
from in_turn import commits, serving

TOLERANCE = 1e-6

MODES: tuple[dict[str, Any], ...] = ({}, {"mode": "dense"}, {"mode": "lexical"})
VARIANTS: tuple[dict[str, Any], ...] = (
    {"k": 3, "offset": 2},
    {"k": 50},
    {"language": "en"},
    {"language": "ru", "mode": "lexical"},
    {"type": "text/plain", "k": 20},
    {"from": "2000-01-01", "facets": "true", "sort": "date"},
    {"min_confidence": 0.5},
)

_EVERY = 5
_VOLATILE = frozenset({"took_ms", "generation", "created", "request_id"})


def main() -> None:
    """Build and serve both over each set, ask every question, and print what differs."""
    parser = common.parser(__doc__, peers=False, several=True)
    parser.add_argument("--before", type=Path, required=True, help="a checkout")
    parser.add_argument("--after", type=Path, required=True, help="another")
    parser.add_argument("--questions", type=int, default=200, help="how many of each set")
    args = parser.parse_args()
    rows = [_compare(args.before, args.after, data, args.questions) for data in args.data]
    common.show(rows)
    facts = {"tolerance": TOLERANCE, "commits": commits(args.before, args.after)}
    common.write_json(args.write, facts, {"sets": rows})
    sys.exit(any(row["different"] for row in rows))


def _compare(before: Path, after: Path, data: Path, limit: int) -> common.Row:
    questions = common.spaced(common.read_questions(data), limit)
    asked = different = 0
    largest = 0.0
    with TemporaryDirectory() as folder, ExitStack() as stack:
        services = [
            _Service(stack.enter_context(serving(checkout.resolve(), data / "docs", Path(folder) / name)))
            for name, checkout in (("before", before), ("after", after))
        ]
        for parameters in _queries([row["question"] for row in questions]):
            one, other = (service.search(parameters) for service in services)
            difference = _difference(one, other)
            asked += 1
            if difference > TOLERANCE:
                different += 1
                sys.stderr.write(f"{data.name}: {parameters} differs by {difference:g}\n")
            else:
                largest = max(largest, difference)
    return {"set": data.name, "queries": asked, "different": different, "largest_difference": largest}


def _queries(questions: Sequence[str]) -> Iterator[dict[str, Any]]:
    for place, question in enumerate(questions):
        for mode in MODES:
            yield {"q": question, "k": 10} | mode
        if place % _EVERY == 0:
            for variant in VARIANTS:
                yield {"q": question, "k": 10} | variant


class _Service:
    """A connection to a service."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._connection = HTTPConnection(str(parts.hostname), parts.port, timeout=60)

    def search(self, parameters: dict[str, Any]) -> Any:
        self._connection.request("GET", f"/api/v1/search?{urlencode(parameters)}")
        response = self._connection.getresponse()
        return {"status": response.status, "answer": json.loads(response.read())}


def _difference(one: Any, other: Any) -> float:
    """Return by how much numbers differ at most; infinity where anything else does."""
    if isinstance(one, dict) and isinstance(other, dict):
        if one.keys() != other.keys():
            return math.inf
        return max((_difference(one[key], other[key]) for key in one.keys() - _VOLATILE), default=0.0)
    if isinstance(one, list) and isinstance(other, list):
        if len(one) != len(other):
            return math.inf
        return max(map(_difference, one, other), default=0.0)
    if isinstance(one, float | int) and isinstance(other, float | int):
        return abs(one - other)
    return 0.0 if one == other else math.inf


if __name__ == "__main__":
    main()
