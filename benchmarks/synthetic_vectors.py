"""Vectors drawn from the distribution of real ones, for an index too large to be embedded by a benchmark.

What is fitted, on the real encoder's vectors of real sentences: clusters of passages (k-means), how
passages vary within each, and how sentences vary within a passage, both as covariances along their
principal axes. What is drawn, by hashes of the texts, so that a text always has the same vector:

- a document has fifty subjects, most of its own cluster; a passage has one of them, and of how passages
  vary the subject makes half and the passage itself the rest;
- of how sentences vary within a passage a fact of the subject makes seven tenths, the sentence itself the
  rest;
- subjects and facts come back in other documents, few of them often and most rarely (a power law), which
  gives neighbourhoods of all densities.

Shares and exponent were chosen so that an inverted file finds as much as among real sentences, for real
questions, and that neighbours are about as near; ``neighbourhood`` measures both, and the local dimension.

A passage's vector is the unit mean of its sentences'. A token's vector is a real one's, of the same piece
of a word where it is known, else of any. Token counts are estimated by the length of the text.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from pathlib import Path
from statistics import NormalDist

import numpy as np
from common import Row

from qa.embedding.model_protocols import Encoder
from qa.types import Float32, Int64, PassageInput, PassageVectors, QueryVectors

VERSION = 2
"""Changes whenever the same text may get other vectors."""

_CLUSTERS = 64
_AXES = 192
_SUBJECTS = 50
_OWN_CLUSTER = 0.75
_SUBJECT_SHARE, _FACT_SHARE = 0.5, 0.7
_WIDER = 1.15  # facts that a passage's sentences share bring them together: this makes up for it
_POWER = 1.3
_LISTS, _LOOKED_AT = 128, 8
_SHRUNK = 50  # a cluster of so many passages has half its own shape and half that of all
_COPY = 0.98
_CHARACTERS_A_TOKEN = 4.3
_LETTERS_A_PIECE = 4

_LETTER, _SIGN = 1, 2
_KINDS = np.array([_LETTER if chr(i).isalnum() or i >= 128 else _SIGN if i > 32 else 0 for i in range(256)],
                  np.uint8)  # fmt: skip
_APART = 7919
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FACTS, _ARRAYS = "fit.json", "fit.npz"

Seeds = np.ndarray[tuple[int, ...], np.dtype[np.uint64]]


# Fitting


def fit(folder: Path, sentences: Float32, starts: Int64, pieces: Mapping[str, Float32], facts: Row) -> None:
    """Fit to real vectors and write what was found into a folder.

    Args:
        folder: where to.
        sentences: unit vectors of the sentences, shape (sentences, dimension).
        starts: where each passage's begin, passages + 1 numbers.
        pieces: real token vectors of each piece of a word.
        facts: what goes with them, ``fingerprint`` among it.
    """
    sentences, starts = without_copies(sentences, starts)
    counts = np.diff(starts)
    means = np.add.reduceat(sentences, starts[:-1]) / counts[:, None]
    inside = sentences - np.repeat(means, counts, axis=0)
    spread = inside.T @ inside / (len(sentences) - len(means))
    labels = _clusters(means)
    centres = np.stack([means[labels == label].mean(axis=0) for label in range(_CLUSTERS)])
    deviations = means - centres[labels]
    # A mean of few sentences varies by itself: what is left is how the passages do.
    own = 1 - np.trace(spread) * (1 / counts).mean() / (deviations**2).sum(axis=1).mean()
    axes = [_axes(own * shape) for shape in _shapes(deviations, labels)]
    names = sorted(pieces)
    np.savez(
        folder / _ARRAYS,
        centres=centres.astype(np.float32),
        axes=np.stack(axes),
        inner_axes=_axes(_WIDER * spread),
        shares=np.cumsum(np.bincount(labels) / len(labels)),
        tokens=np.concatenate([pieces[name] for name in names]),
        token_counts=np.array([len(pieces[name]) for name in names]),
    )
    known = facts | {"pieces": names, "dimension": sentences.shape[1]}
    (folder / _FACTS).write_text(json.dumps(known, ensure_ascii=False), "utf-8")


def read_facts(folder: Path) -> Row | None:
    """Read what ``fit`` was given to keep; None where there is nothing."""
    path = folder / _FACTS
    facts: Row | None = json.loads(path.read_bytes()) if path.exists() else None
    return facts


def without_copies(sentences: Float32, starts: Int64) -> tuple[Float32, Int64]:
    """Leave out sentences that repeat an earlier one, as forms do, and passages that have no others."""
    kept = np.ones(len(sentences), bool)
    for at in range(0, len(sentences), 1024):
        cosines = np.tril(sentences[at : at + 1024] @ sentences[: at + 1024].T, at - 1)
        kept[at : at + 1024] = cosines.max(axis=1) < _COPY
    counts = np.add.reduceat(kept, starts[:-1], dtype=np.int64)
    return sentences[kept], np.concatenate([[0], np.cumsum(counts[counts > 0])])


def neighbourhood(sentences: Float32, starts: Int64, questions: Float32) -> Row:
    """Measure how near sentences lie to those of other passages, and how well they are found.

    The dimension is that by which the number of neighbours grows with distance: the maximum likelihood
    estimate of Levina and Bickel (2004), from the nearest hundred. The recall is that of the ten nearest to
    each question in the likeliest 8 lists of an inverted file of 128.
    """
    sentences, starts = without_copies(sentences, starts)
    passages = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    chosen = np.random.default_rng(0).permutation(len(sentences))[:2000]
    cosines = sentences[chosen] @ sentences.T
    together = passages[chosen][:, None] == passages
    inside = cosines[together & (cosines < 1 - 1e-5)].mean()
    nearest = -np.sort(-np.where(together, -1, cosines), axis=1)[:, :100]
    distances = np.sqrt(2 - 2 * np.minimum(nearest, _COPY))
    dimensions = -1 / np.log(distances[:, :-1] / distances[:, -1:]).mean(axis=1)
    figures = {"sentences": len(sentences), "cosine in a passage": inside}
    figures |= {f"to neighbour {k}": np.median(nearest[:, k - 1]) for k in (1, 10, 100)}
    figures["local dimension"] = np.median(dimensions)
    figures["recall in 8 of 128 lists"] = _recall(sentences, questions)
    return {name: round(float(value), 3) for name, value in figures.items()}


def _recall(sentences: Float32, questions: Float32) -> float:
    import faiss  # noqa: PLC0415

    index = faiss.index_factory(sentences.shape[1], f"IVF{_LISTS},Flat", faiss.METRIC_INNER_PRODUCT)
    index.train(sentences)
    index.add(sentences)
    index.nprobe = _LOOKED_AT
    retrieved = index.search(questions, 10)[1]
    nearest = np.argpartition(-questions @ sentences.T, 10, axis=1)[:, :10]
    return float(np.mean([np.isin(true, rows).mean() for true, rows in zip(nearest, retrieved, strict=True)]))


def _clusters(means: Float32) -> Int64:
    import faiss  # noqa: PLC0415 -- only for fitting

    kmeans = faiss.Kmeans(means.shape[1], _CLUSTERS, seed=1, spherical=True, min_points_per_centroid=1)
    kmeans.train(means)
    return kmeans.index.search(means, 1)[1][:, 0]


def _shapes(deviations: Float32, labels: Int64) -> list[Float32]:
    """Return each cluster's covariance, the smaller the cluster the more like that of all."""
    whole = deviations.T @ deviations / len(deviations)
    shapes = []
    for label in range(_CLUSTERS):
        own = deviations[labels == label]
        shape = own.T @ own / max(len(own) - 1, 1)
        weight = len(own) / (len(own) + _SHRUNK)
        shapes.append(weight * shape + (1 - weight) * whole * np.trace(shape) / np.trace(whole))
    return shapes


def _axes(covariance: Float32) -> Float32:
    """Return the principal axes, as long as their standard deviations; what is left goes to all alike."""
    values, vectors = np.linalg.eigh(covariance)
    largest = np.maximum(values[::-1][:_AXES], 0)
    largest *= values.sum() / largest.sum()
    return np.ascontiguousarray(vectors[:, ::-1][:, :_AXES] * np.sqrt(largest), np.float32).T.copy()


# Drawing


@dataclass(frozen=True, slots=True)
class _Fitted:
    """What ``fit`` found."""

    centres: Float32
    axes: Float32
    inner_axes: Float32
    shares: Float32
    tokens: Float32
    token_starts: Int64
    token_counts: Seeds
    pieces: _Pieces

    @classmethod
    def load(cls, folder: Path) -> _Fitted:
        facts = read_facts(folder) or {}
        with np.load(folder / _ARRAYS, allow_pickle=False) as arrays:
            parts = dict(arrays)
        counts = parts.pop("token_counts")
        starts = np.cumsum(counts) - counts
        pieces = _Pieces(facts["pieces"])
        return cls(**parts, token_starts=starts, token_counts=counts.astype(np.uint64), pieces=pieces)


class StandIn:
    """An ``Encoder`` whose vectors are drawn. Nothing is read before the first text comes.

    ``seconds`` tells how long the drawing has taken.
    """

    name = "drawn vectors"
    max_tokens = 254

    def __init__(self, folder: Path) -> None:
        facts = read_facts(folder) or {}
        self._folder = folder
        self.fingerprint: str = facts["fingerprint"]
        self.dimension: int = facts["dimension"]
        self.seconds = 0.0

    @cached_property
    def _fitted(self) -> _Fitted:
        return _Fitted.load(self._folder)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Estimate each text's tokens by its length."""
        return [round(len(text) / _CHARACTERS_A_TOKEN) for text in texts]

    def count_query_tokens(self, questions: Sequence[str]) -> list[int]:
        """Estimate each question's tokens by its length."""
        return self.count_tokens(questions)

    def encode_queries(self, questions: Sequence[str]) -> list[QueryVectors]:
        """Draw each question's vector; its tokens have none."""
        none = np.empty((0, self.dimension), np.float32)
        seeds = _seeds(questions)
        vectors = self._vectors(seeds, seeds, seeds, np.ones(len(questions), np.int64))
        counts = self.count_tokens(questions)
        return [QueryVectors(vector, none, (), count) for vector, count in zip(vectors, counts, strict=True)]

    def encode_passages(self, passages: Sequence[PassageInput]) -> list[PassageVectors]:
        """Draw each passage's vectors."""
        if not passages:
            return []
        started = time.perf_counter()
        vectors = self._drawn(passages)
        self.seconds += time.perf_counter() - started
        return vectors

    def check(self, sentences: Sequence[str]) -> None:
        """Nothing runs a model."""

    def save(self, folder: Path, *, documents: bool = False) -> None:
        """Nothing is needed later."""

    def _drawn(self, passages: Sequence[PassageInput]) -> list[PassageVectors]:
        sentences = [[span.slice(passage.text) for span in passage.sentences] for passage in passages]
        counts = np.array(list(map(len, sentences)))
        own = _seeds([sentence for part in sentences for sentence in part])
        contexts = _seeds([passage.context or passage.text for passage in passages])
        seeds = _seeds([passage.text for passage in passages])
        vectors = self._vectors(contexts, seeds, own, counts)
        starts = np.cumsum(counts) - counts
        wholes = _unit(np.add.reduceat(vectors, starts))
        tokens = self._tokens(passages, seeds, sentences)
        return [
            PassageVectors(whole, vectors[start : start + count], token_vectors, segments)
            for whole, start, count, (token_vectors, segments) in zip(
                wholes, starts, counts, tokens, strict=True
            )
        ]

    def _vectors(self, contexts: Seeds, passages: Seeds, sentences: Seeds, counts: Int64) -> Float32:
        """Draw the sentences' vectors; ``counts`` tells how many each passage has."""
        fitted = self._fitted
        clusters, subjects = self._subjects(contexts, passages)
        between = _both(subjects, passages, _SUBJECT_SHARE)
        means = fitted.centres[clusters]
        for cluster in np.unique(clusters):
            rows = np.flatnonzero(clusters == cluster)
            means[rows] += between[rows] @ fitted.axes[cluster]
        facts = _mixed(np.repeat(subjects, counts), _power_law(_mixed(sentences, 1)))
        inside = _both(facts, sentences, _FACT_SHARE) @ fitted.inner_axes
        return _unit(np.repeat(means, counts, axis=0) + inside)

    def _subjects(self, contexts: Seeds, passages: Seeds) -> tuple[Int64, Seeds]:
        """Return each passage's cluster and the seed of its subject."""
        numbers = _mixed(contexts, passages % np.uint64(_SUBJECTS))
        at_home = _uniform(_mixed(numbers, 1)) < _OWN_CLUSTER
        chance = np.where(at_home, _uniform(_mixed(contexts, 2)), _uniform(_mixed(numbers, 2)))
        clusters = np.minimum(np.searchsorted(self._fitted.shares, chance), _CLUSTERS - 1)
        return clusters, _mixed(_power_law(_mixed(numbers, 3)), clusters.astype(np.uint64))

    def _tokens(
        self, passages: Sequence[PassageInput], seeds: Seeds, sentences: Sequence[Sequence[str]]
    ) -> list[tuple[Float32, tuple[int, ...]]]:
        """Look each passage's tokens up: any of the real ones of the same piece."""
        fitted = self._fitted
        segments = [text for passage, part in zip(passages, sentences, strict=True)
                    for text in (passage.context, *part)]  # fmt: skip
        pieces, counts = fitted.pieces.divide(segments)
        firsts = np.cumsum([0, *(len(part) + 1 for part in sentences)])
        starts = np.concatenate([[0], np.cumsum(counts)])[firsts]
        positions = np.arange(len(pieces)) - np.repeat(starts[:-1], np.diff(starts))
        chosen = _mixed(np.repeat(seeds, np.diff(starts)), positions) % fitted.token_counts[pieces]
        tokens = np.take(fitted.tokens, fitted.token_starts[pieces] + chosen.astype(np.int64), axis=0)
        return [
            (tokens[start:end], tuple(counts[first:last].tolist()))
            for (start, end), (first, last) in zip(
                pairwise(starts.tolist()), pairwise(firsts.tolist()), strict=True
            )
        ]


class Questioner:
    """The real encoder at work on every question, and then the vectors that were drawn for them."""

    def __init__(self, encoder: Encoder, vectors: Mapping[str, Float32]) -> None:
        self._encoder = encoder
        self._vectors = vectors

    def encode_queries(self, questions: Sequence[str]) -> list[QueryVectors]:
        """Return each question's drawn vector, and its tokens' real ones."""
        encoded = self._encoder.encode_queries(questions)
        return [
            QueryVectors(self._vectors.get(question, made.vector), made.tokens, made.spans, made.token_count)
            for question, made in zip(questions, encoded, strict=True)
        ]


class _Pieces:
    """Breaks texts into words and signs and these into pieces: whole where known, else by letters."""

    def __init__(self, names: Sequence[str]) -> None:
        self._count = len(names)
        hashes, _, counts = _words(names)
        whole = np.flatnonzero(counts == 1)
        hashes = hashes[(np.cumsum(counts) - 1)[whole]]
        order = np.argsort(hashes)
        self._hashes, self._names = hashes[order], whole[order]

    def divide(self, texts: Sequence[str]) -> tuple[Int64, Int64]:
        """Return the numbers of all texts' pieces, one text after another, and how many each has."""
        hashes, lengths, counts = _words(texts)
        places = np.minimum(np.searchsorted(self._hashes, hashes), len(self._hashes) - 1)
        known = self._hashes[places] == hashes
        firsts = np.where(known, self._names[places], (hashes % np.uint64(self._count)).astype(np.int64))
        many = np.where(known, 1, -(-lengths // _LETTERS_A_PIECE))
        ends = np.concatenate([[0], np.cumsum(many)])
        inside = np.arange(ends[-1]) - np.repeat(ends[:-1], many)
        words = np.concatenate([[0], np.cumsum(counts)])
        return (np.repeat(firsts, many) + inside * _APART) % self._count, np.diff(ends[words])


def _words(texts: Sequence[str]) -> tuple[Seeds, Int64, Int64]:
    """Find words and signs: give a hash and the length of each, and how many each text has."""
    codes = np.frombuffer(("\0".join(texts) + "\0").lower().encode(), np.uint8)
    kinds = _KINDS[codes]
    begins = kinds == _SIGN
    begins[1:] |= (kinds[1:] == _LETTER) & (kinds[:-1] != _LETTER)
    begins[0] |= kinds[0] == _LETTER
    starts = np.flatnonzero(begins)
    counts = np.diff(np.searchsorted(starts, np.flatnonzero(codes == 0)), prepend=0)
    ends = np.append(starts[1:], len(codes))
    places = np.arange(starts[0], len(codes)) - np.repeat(starts, ends - starts)
    inside = kinds[starts[0] :] != 0
    spread = _mixed(codes[starts[0] :].astype(np.uint64), places) * inside
    firsts = starts - starts[0]
    return np.add.reduceat(spread, firsts), np.add.reduceat(inside, firsts, dtype=np.int64), counts


def _seeds(texts: Sequence[str]) -> Seeds:
    digests = b"".join(hashlib.blake2b(text.encode(), digest_size=8).digest() for text in texts)
    return np.frombuffer(digests, np.uint64)


def _mixed(seeds: Seeds, others: Seeds | int) -> Seeds:
    """Make one seed of two: the finaliser of Steele, Lea and Flood's SplitMix64 (2014)."""
    mixed = seeds + _GOLDEN * (np.atleast_1d(others).astype(np.uint64) + np.uint64(1))
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def _uniform(seeds: Seeds) -> Float32:
    return (seeds >> np.uint64(11)) * 2.0**-53


def _power_law(seeds: Seeds) -> Seeds:
    """Draw whole numbers from 1, the larger the rarer."""
    return np.minimum((1 - _uniform(seeds)) ** (-1 / (_POWER - 1)), 1e9).astype(np.uint64)


def _both(shared: Seeds, own: Seeds, share: float) -> Float32:
    """Draw from a normal distribution, with so large a share of the variance shared."""
    return np.float32(share**0.5) * _normal(shared) + np.float32((1 - share) ** 0.5) * _normal(own)


def _normal(seeds: Seeds) -> Float32:
    """Draw ``_AXES`` normal numbers a seed, 16 bits of chance each."""
    bits = _mixed(seeds[:, None], np.arange(_AXES // 4, dtype=np.uint64))
    return _quantiles()[bits.view(np.uint16)]


@lru_cache(maxsize=1)
def _quantiles() -> Float32:
    normal = NormalDist()
    return np.array([normal.inv_cdf((i + 0.5) / 2**16) for i in range(2**16)], np.float32)


def _unit(vectors: Float32) -> Float32:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)
