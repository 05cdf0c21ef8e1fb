"""Fit what is drawn to real sets: their sentences, questions and vectors, by the real encoder."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import common
import numpy as np
import synthetic_questions
import synthetic_text
import synthetic_vectors
from common import Row
from synthetic_questions import Pair

from qa.arrays import offsets
from qa.config import Settings
from qa.embedding.loading import load_encoder
from qa.embedding.model_protocols import Encoder
from qa.index import generation
from qa.types import Float32

_BANK_SENTENCES = 2500


def fit(task: Row) -> Row:
    """Fit sentences, vectors and questions to the real ones, and keep the real encoder."""
    folder = Path(task["to"])
    encoder = load_encoder(Settings().model)
    encoder.save(folder / "encoder")
    sets = [_RealSet(folder / "real" / str(number), Path(path)) for number, path in enumerate(task["data"])]
    sources = [source for one in sets for source in one.sources()]
    (folder / "sources.json").write_text(json.dumps(sources, ensure_ascii=False), "utf-8")
    pairs = [pair for one in sets for pair in one.pairs(encoder)]
    sentences = np.concatenate([one.vectors for one in sets])
    starts = offsets(np.concatenate([np.diff(one.starts) for one in sets]))
    facts = {
        "fingerprint": task["fingerprint"],
        "real": synthetic_vectors.neighbourhood(
            sentences, starts, np.stack([pair.question_vector for pair in pairs])
        ),
        "cosines": synthetic_questions.fit(folder, pairs, synthetic_text.stop_words(sources)),
    }
    synthetic_vectors.fit(folder, sentences, starts, _token_bank(encoder, sources), facts)
    return facts


class _RealSet:
    """A question set as it was indexed with the real encoder."""

    def __init__(self, index: Path, data: Path) -> None:
        self._data = data
        self._passages = common.read_passages(index)
        corpus = generation.load(generation.current(index))
        self.vectors = corpus.sentences.vectors(np.arange(len(corpus.sentences)))
        self.starts = np.asarray(corpus.sentence_starts)

    def sources(self) -> Iterator[list[str]]:
        """Return each document's sentences."""
        texts: dict[str, list[str]] = {}
        for path, _, _, text in self._sentences():
            texts.setdefault(path, []).append(text)
        yield from texts.values()

    def pairs(self, encoder: Encoder) -> Iterator[Pair]:
        """Return each question and the sentence that has most of its answer, with their vectors."""
        asked = [one for one in common.read_questions(self._data) if one["answers"]]
        vectors = encoder.encode_queries([one["question"] for one in asked])
        by_path: dict[str, list[tuple[int, int, int, str]]] = {}
        for row, (path, start, end, text) in enumerate(self._sentences()):
            by_path.setdefault(path, []).append((start, end, row, text))
        for one, made in zip(asked, vectors, strict=True):
            answer = one["answers"][0]
            _, _, row, text = max(
                by_path[answer["doc"]],
                key=lambda each: min(each[1], answer["end"]) - max(each[0], answer["start"]),
            )
            yield Pair(one["question"], text, made.vector, self.vectors[row])

    def _sentences(self) -> Iterator[tuple[str, int, int, str]]:
        for passage in self._passages:
            path, at, _ = passage["place"]
            for start, end in passage["sentences"]:
                yield path, at + start, at + end, passage["text"][start:end]


def _token_bank(encoder: Encoder, sources: Sequence[Sequence[str]]) -> dict[str, Float32]:
    """Encode some sentences: give the vectors of each piece of a word."""
    sentences = common.spaced([text for source in sources for text in source], _BANK_SENTENCES)
    by_piece: dict[str, list[Float32]] = {}
    for sentence, made in zip(sentences, encoder.encode_queries(sentences), strict=True):
        for span, vector in zip(made.spans, made.tokens, strict=True):
            by_piece.setdefault(sentence[span.start : span.end].lower(), []).append(vector)
    return {piece: np.stack(vectors).astype(np.float32) for piece, vectors in by_piece.items()}
