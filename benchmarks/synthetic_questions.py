"""Questions about passages that are known, in the words and with the vectors that real ones have.

A question is a real one in which the words that its answer's sentence has are those of another sentence, in
their order, and its other telling words are other questions' at random. Its vector is that of the sentence,
turned away from it as far as the real question's is from its own: to the same cosine, in a direction drawn
from how real questions differ from the sentences that answer them.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from common import Row

from qa.types import Float32

_FROM_SENTENCE, _FROM_ELSEWHERE = 1, 2
_AXES = 192
_IN_MANY = 0.015

_PART = re.compile(r"[^\W_]+|[\W_]+")
_FRAMES, _DIFFERENCES = "questions.json", "questions.npz"


class Pair(NamedTuple):
    """A real question and the sentence that answers it, with their vectors."""

    question: str
    sentence: str
    question_vector: Float32
    sentence_vector: Float32


class Questions:
    """Makes questions like the real ones of ``fit``."""

    def __init__(self, folder: Path) -> None:
        content = json.loads((folder / _FRAMES).read_bytes())
        self._frames: list[list[str | int]] = content["frames"]
        self._stop_words = frozenset(content["stop_words"])
        with np.load(folder / _DIFFERENCES, allow_pickle=False) as arrays:
            self._cosines, self._mean, self._axes = (arrays[name] for name in ("cosines", "mean", "axes"))

    def make(self, sentences: Sequence[str], vectors: Float32) -> tuple[list[str], Float32]:
        """Ask for each sentence: give the questions, no two alike, and their unit vectors."""
        random = np.random.default_rng(1)
        telling = [_telling(sentence, self._stop_words) for sentence in sentences]
        frames = random.integers(len(self._frames), size=len(sentences)).tolist()
        others = iter(random.permutation([word for words in telling for word in words]).tolist() * 9)
        texts: dict[str, None] = {}
        for frame, words in zip(frames, telling, strict=True):
            taken = iter(words[random.integers(max(1, len(words) - 2)) :])
            question = "".join(_filled(self._frames[frame], taken, others))
            texts[question if question not in texts else f"{question} {next(others)}?"] = None
        return list(texts), self._turned(vectors, self._cosines[frames], random)

    def vectors(self, sentences: Float32) -> Float32:
        """Return questions' vectors only, for sentences with these."""
        random = np.random.default_rng(2)
        return self._turned(sentences, random.choice(self._cosines, len(sentences)), random)

    def _turned(self, vectors: Float32, cosines: Float32, random: np.random.Generator) -> Float32:
        """Turn unit vectors away to these cosines."""
        away = self._mean + random.standard_normal((len(vectors), len(self._axes))) @ self._axes
        away -= (away * vectors).sum(axis=1, keepdims=True) * vectors
        away /= np.linalg.norm(away, axis=1, keepdims=True)
        turned = cosines[:, None] * vectors + np.sqrt(1 - cosines[:, None] ** 2) * away
        return np.asarray(turned, np.float32)


def fit(folder: Path, pairs: Sequence[Pair], stop_words: Iterable[str]) -> Row:
    """Learn from real questions; give how near they are to the sentences that answer them."""
    stop = frozenset(stop_words) | _common([pair.question for pair in pairs])
    asked = np.stack([pair.question_vector for pair in pairs])
    answering = np.stack([pair.sentence_vector for pair in pairs])
    cosines = (asked * answering).sum(axis=1)
    away = asked - cosines[:, None] * answering
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    values, vectors = np.linalg.eigh(np.cov(away.T))
    axes = (vectors * np.sqrt(np.maximum(values, 0)))[:, ::-1][:, :_AXES].T
    np.savez(folder / _DIFFERENCES, cosines=cosines, mean=away.mean(axis=0), axes=axes)
    frames = [_frame(pair.question, pair.sentence, stop) for pair in pairs]
    (folder / _FRAMES).write_text(json.dumps({"frames": frames, "stop_words": sorted(stop)}), "utf-8")
    return {f"p{share}": round(float(np.percentile(cosines, share)), 3) for share in (5, 25, 50, 75, 95)}


def _common(questions: Sequence[str]) -> frozenset[str]:
    """Return the words that many questions have, such as those with which one asks."""
    counts = Counter(part.lower() for question in questions for part in set(_PART.findall(question)))
    return frozenset(part for part, count in counts.items() if count > _IN_MANY * len(questions))


def _frame(question: str, sentence: str, stop_words: frozenset[str]) -> list[str | int]:
    """Keep the signs and the stop words; mark where a word came from the sentence, and where not."""
    words = {word.lower() for word in _PART.findall(sentence)}
    frame: list[str | int] = []
    for part in _PART.findall(question):
        if not part[0].isalnum() or part.lower() in stop_words or not frame:
            frame.append(part)
        else:
            frame.append(_FROM_SENTENCE if part.lower() in words else _FROM_ELSEWHERE)
    return frame


def _filled(frame: Sequence[str | int], own: Iterable[str], others: Iterable[str]) -> Iterable[str]:
    own, others = iter(own), iter(others)
    for part in frame:
        if part == _FROM_SENTENCE:
            yield next(own, None) or next(others)
        else:
            yield part if isinstance(part, str) else next(others)


def _telling(sentence: str, stop_words: frozenset[str]) -> list[str]:
    return [part for part in _PART.findall(sentence) if part[0].isalnum() and part.lower() not in stop_words]
