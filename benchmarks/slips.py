"""What becomes of slips in questions: how many are undone, and how many questions without one are changed.

    python benchmarks/slips.py INDEX QUESTIONS.jsonl …

Each question is asked as it is, with two slips in one word, without the space between two words, and with a
space in a word. Prints a line of JSON for each kind and file; what went wrong stands in `wrong`. Questions
that are misspelt as they are count as changed, so read those.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

import numpy as np

from qa.config import Settings
from qa.retrieval.live import encoder_of
from qa.retrieval.query import parse
from qa.retrieval.spelling import Speller
from qa.stores.publication import publications

_SHOWN = 20
_LONG, _MIDDLING, _WORD = 8, 6, 4


def main() -> None:
    """Make the slips, and print what becomes of them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("index", type=Path)
    parser.add_argument("questions", type=Path, nargs="+")
    args = parser.parse_args()
    published = publications(Settings(index=args.index))
    corpus = published.open(published.live()[0])
    speller = Speller(corpus, encoder_of(corpus), corpus.store.languages())
    for path in args.questions:
        questions = [json.loads(line)["question"] for line in path.read_text("utf-8").splitlines()]
        for name, spoil in KINDS.items():
            print(
                json.dumps({"questions": path.parent.name, "kind": name} | measure(speller, questions, spoil))
            )


def measure(
    speller: Speller, questions: Sequence[str], spoil: Callable[..., str | None]
) -> dict[str, object]:
    """Return how many of the questions that can be spoilt are right after correction."""
    random = Random(0)  # noqa: S311 -- the same slips every time
    right, corrected, milliseconds, wrong = 0, 0, [], []
    for question in questions:
        typed = spoil(question.split(" "), random)
        if typed is None or '"' in question:
            continue
        started = time.perf_counter()
        found = speller.correct(parse(typed))
        milliseconds.append((time.perf_counter() - started) * 1000)
        corrected += found is not None
        right += (found or typed).casefold() == question.casefold()
        wrong += [f"{typed} -> {found}"] if found and found.casefold() != question.casefold() else []
    return {
        "asked": len(milliseconds),
        "right": right,
        "corrected": corrected,
        "corrected_wrongly": len(wrong),
        "ms_p50": round(float(np.median(milliseconds)), 2),
        "ms_p99": round(float(np.quantile(milliseconds, 0.99)), 1),
        "wrong": wrong[:_SHOWN],
    }


def without_slips(words: list[str], _: Random) -> str:
    """Return a question as it is."""
    return " ".join(words)


def two_slips(words: list[str], random: Random) -> str | None:
    """Make two slips in one word."""
    long = [i for i, word in enumerate(words) if word.isalpha() and word.islower() and len(word) >= _LONG]
    if not long:
        return None
    place = random.choice(long)
    spoilt = _slip(_slip(words[place], random), random)
    return " ".join([*words[:place], spoilt, *words[place + 1 :]])


def missing_space(words: list[str], random: Random) -> str | None:
    """Leave out a space."""
    long = [word.strip("?").isalpha() and len(word) >= _WORD for word in words]
    places = [i for i in range(len(words) - 1) if words[i].isalpha() and long[i] and long[i + 1]]
    if not places:
        return None
    place = random.choice(places)
    return " ".join([*words[:place], words[place] + words[place + 1], *words[place + 2 :]])


def extra_space(words: list[str], random: Random) -> str | None:
    """Put a space into a word."""
    long = [i for i, word in enumerate(words) if word.isalpha() and len(word) >= _MIDDLING]
    if not long:
        return None
    place = random.choice(long)
    word = words[place]
    cut = random.randrange(2, len(word) - 1)
    return " ".join([*words[:place], word[:cut], word[cut:], *words[place + 1 :]])


def _slip(word: str, random: Random) -> str:
    place = random.randrange(1, len(word) - 1)
    before, here, after = word[:place], word[place], word[place + 1 :]
    swapped = before + after[0] + here + after[1:]
    return random.choice([swapped, before + after, before + here + here + after])


KINDS = {
    "none": without_slips,
    "two slips": two_slips,
    "missing space": missing_space,
    "extra space": extra_space,
}

if __name__ == "__main__":
    main()
