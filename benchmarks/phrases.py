"""How long it takes to find which passages hold a phrase, in a made index of any size. Nothing is embedded.

    python benchmarks/phrases.py --passages 1000000

Words are drawn as in a language, a few of them very often (Zipf's law). Half of the phrases stand in the
documents, half have a word exchanged; some are of the most common words only.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from qa.index.lexical.word_sequences import DocumentWords, WordSequences, WordSequencesWriter

_WORDS = 90  # a passage
_PASSAGES = 20  # a document
_COMMON = 20  # words


def main() -> None:
    """Build, ask, and print the durations as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passages", type=int, default=1_000_000)
    parser.add_argument("--vocabulary", type=int, default=500_000)
    parser.add_argument("--phrases", type=int, default=1000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        index, phrases = _build(Path(folder) / "words", options.passages, options.vocabulary, options.phrases)
        built = time.perf_counter() - started
        size = sum(path.stat().st_size for path in (Path(folder) / "words").iterdir())
        durations = [_duration(index, phrase) for phrase in phrases]
    p50, p95, p99 = np.percentile(np.array(durations) * 1000, [50, 95, 99]).round(2).tolist()
    report = {
        "passages": options.passages, "build_s": round(built, 1), "bytes": size, "phrases": len(phrases),
        "p50_ms": p50, "p95_ms": p95, "p99_ms": p99, "max_ms": round(max(durations) * 1000, 2),
        "load": os.getloadavg()[0],
    }  # fmt: skip
    print(json.dumps(report))


def _duration(index: WordSequences, phrase: Sequence[str]) -> float:
    started = time.perf_counter()
    index.rows(phrase)
    return time.perf_counter() - started


def _build(
    folder: Path, passages: int, vocabulary: int, count: int
) -> tuple[WordSequences, list[tuple[str, ...]]]:
    """Build an index, and draw phrases of 2 to 6 words from its documents."""
    chance = np.random.default_rng(18)
    words = [f"w{number:x}" for number in range(vocabulary)]
    writer, phrases = WordSequencesWriter(folder), list[tuple[str, ...]]()
    documents = max(1, passages // _PASSAGES)
    drawn = set(chance.integers(documents, size=count).tolist())
    for number, texts in enumerate(_documents(documents, words)):
        writer.add(DocumentWords(texts, [(0, _PASSAGES, texts[0][:6])]))
        if number in drawn:
            length, text = int(chance.integers(2, 7)), texts[int(chance.integers(_PASSAGES))]
            start = int(chance.integers(len(text) - length))
            phrase = text[start : start + length]
            if chance.random() < 1 / 2:
                phrase[int(chance.integers(length))] = words[int(chance.integers(vocabulary))]
            phrases.append(tuple(phrase))
    writer.close()
    for _ in range(count // 20):
        common = chance.integers(_COMMON, size=int(chance.integers(2, 5)))
        phrases.append(tuple(words[number] for number in common.tolist()))
    return WordSequences(folder), phrases


def _documents(count: int, words: Sequence[str]) -> Iterator[list[list[str]]]:
    generator = np.random.default_rng(18)
    shares = 1 / np.arange(1, len(words) + 1)
    bounds = np.cumsum(shares / shares.sum())
    for _ in range(count):
        numbers = np.searchsorted(bounds, generator.random((_PASSAGES, _WORDS))).clip(max=len(words) - 1)
        yield [[words[number] for number in row] for row in numbers.tolist()]


if __name__ == "__main__":
    main()
