"""Late interaction, against the published formula on the vectors as they were before they were made small."""

from __future__ import annotations

import doctest
from collections.abc import Iterable
from itertools import accumulate, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from fake_encoder import StandIn
from hypothesis import given
from hypothesis import strategies as st

from qa.arrays import Affine
from qa.index.dense import late_interaction
from qa.index.dense.late_interaction import (
    TokenIndex,
    TokenMatches,
    TokenWriter,
    compress,
    decompress,
    lengths_of,
    project,
    projection_for,
    row_size,
)
from qa.text import sample
from qa.types import Float32, Int8, Int64, PassageInput, Span

ROUNDING = 0.5 / 127
"""The most by which rounding moves a number of a token's vector, where its largest one is 1."""


def _bound(width: int) -> float:
    """Return the most by which the cosine of any vector with a token may change when it is rounded.

    Rounding moves a vector of length at least 1, whose largest number is 1, by at most √width · ROUNDING.
    So the angle changes by at most the arc sine of that, and a cosine by no more than the angle.
    """
    return float(np.arcsin(min(1.0, width**0.5 * ROUNDING)))


def _vectors(rows: int, dimension: int, seed: int) -> Float32:
    return np.random.default_rng(seed).standard_normal((rows, dimension)).astype(np.float32)


def _mean(dimension: int) -> Float32:
    """Return what is subtracted of unit vectors in these tests: shorter than they are."""
    return 0.4 * _vectors(1, dimension, 77)[0] / np.linalg.norm(_vectors(1, dimension, 77))


def _projection(dimension: int, width: int, seed: int) -> Float32:
    columns, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((dimension, dimension)))
    columns = columns[:, :width]
    return np.ascontiguousarray(np.vstack([_mean(dimension) @ columns, columns]), np.float32)


def _centred(vectors: Float32) -> Float32:
    """Return vectors as they are compared: as long as each other, and without their mean."""
    mean = _mean(vectors.shape[1])
    return np.array([vector / np.linalg.norm(vector) - mean for vector in vectors]).reshape(vectors.shape)


def _index(segments: list[Float32], projection: Float32) -> TokenIndex:
    return _of_codes(compress(np.concatenate(segments), projection), map(len, segments), projection)


def _of_codes(codes: Int8, counts: Iterable[int], projection: Float32) -> TokenIndex:
    with TemporaryDirectory() as folder:
        writer = TokenWriter(Path(folder) / "tokens", projection)
        writer.add(codes, counts)
        writer.close()
        return TokenIndex.load(Path(folder) / "tokens")


def _cosine(one: Float32, other: Float32) -> float:
    return float(np.dot(one, other) / (np.linalg.norm(one) * np.linalg.norm(other)))


def _by_formula(query: Float32, weights: Float32, tokens: Float32) -> float:
    """Khattab and Zaharia (2020), equation 3, weighted; a text without tokens has the cosine -1 with any."""
    return sum(
        float(weight) * max((_cosine(wanted, token) for token in _centred(tokens)), default=-1)
        for wanted, weight in zip(_centred(query), weights, strict=True)
    )


def _meet(
    index: TokenIndex,
    query: Float32,
    weights: Float32,
    firsts: Int64,
    lasts: Int64,
    *,
    previous_discount: float = 0.0,
    context_discount: float = 0.0,
    rescale: Affine = Affine(),  # noqa: B008 -- it cannot be changed
) -> tuple[Float32, Float32]:
    """Return the scores of passages and of all their segments, including contexts."""
    matches = index.match_tokens(query, firsts, lasts).rescaled(rescale)
    segments = matches.maxsim @ weights
    if previous_discount or context_discount:
        contexts = np.isin(np.arange(len(segments)), matches.bounds[:-1])
        segments[~contexts] = matches.score_sentences(
            weights, previous_discount=previous_discount, context_discount=context_discount
        )
    return matches.score_passages(weights), segments


def test_matches_of_some_passages_are_those_of_all(written) -> None:
    index = TokenIndex.load(written[2])
    query, firsts, lasts = _vectors(3, 16, 5), np.array([0, 3]), np.array([3, 4])
    every = index.match_tokens(query, firsts, lasts)
    for places in ([0], [1], [1, 0], [0, 0, 1]):
        some, expected = (
            every.take(np.array(places)),
            index.match_tokens(query, firsts[places], lasts[places]),
        )
        np.testing.assert_allclose(some.maxsim, expected.maxsim, atol=1e-6)
        np.testing.assert_array_equal(some.bounds, expected.bounds)


@given(
    st.lists(st.lists(st.integers(0, 4), min_size=1, max_size=4), min_size=1, max_size=5),
    st.integers(0, 5),
    st.integers(2, 40),
    st.integers(0, 10**6),
    st.data(),
)
def test_scores_are_those_of_the_published_formula(
    passages: list[list[int]], asked: int, dimension: int, seed: int, data: st.DataObject
) -> None:
    segments = [
        [_vectors(count, dimension, seed + 10 * i + j) for j, count in enumerate(counts)]
        for i, counts in enumerate(passages)
    ]
    query = _vectors(asked, dimension, seed + 999)
    weights = np.random.default_rng(seed).random(asked).astype(np.float32) + 0.01
    weights /= weights.sum() or 1
    projection = _projection(dimension, dimension, seed)  # with all directions kept, no cosine changes
    index = _index([segment for inner in segments for segment in inner], projection)

    starts = [0, *accumulate(map(len, passages))]
    chosen = data.draw(st.lists(st.integers(0, len(passages) - 1), min_size=1, max_size=4, unique=True))
    firsts = np.array([starts[i] for i in chosen], np.int64)
    lasts = np.array([starts[i + 1] for i in chosen], np.int64)
    whole, parts = _meet(index, query, weights, firsts, lasts)

    allowed = _bound(dimension) + 1e-5
    expected = [_by_formula(query, weights, np.concatenate(segments[i])) for i in chosen]
    assert whole.tolist() == pytest.approx(expected, abs=allowed)
    expected = [_by_formula(query, weights, segment) for i in chosen for segment in segments[i]]
    assert parts.tolist() == pytest.approx(expected, abs=allowed)
    assert (np.abs(np.concatenate([whole, parts])) <= 1 + 1e-5).all()


def test_a_token_that_the_passage_has_matches_in_full() -> None:
    tokens = _vectors(6, 24, 0)
    index = _index([tokens[:2], tokens[2:5], tokens[:0], tokens[5:]], _projection(24, 24, 1))
    weights = np.array([0.25, 0.75], np.float32)
    whole, parts = _meet(index, 7 * tokens[[0, 4]], weights, np.array([0]), np.array([4]))
    assert whole.tolist() == pytest.approx([1], abs=_bound(24))
    first, fifth, last = _centred(tokens[[0, 4, 5]])
    one, other = _cosine(first, last), _cosine(fifth, last)
    assert parts[2] == pytest.approx(-1)
    assert parts[3] == pytest.approx(0.25 * one + 0.75 * other, abs=_bound(24))


@given(st.integers(1, 8), st.integers(2, 48), st.integers(1, 48), st.integers(0, 10**6))
def test_rounding_keeps_the_cosines_of_projected_tokens(
    rows: int, dimension: int, width: int, seed: int
) -> None:
    projection = _projection(dimension, min(width, dimension), seed)
    tokens, others = (_centred(_vectors(rows, dimension, seed + i)) @ projection[1:] for i in (0, 1))
    codes = compress(_vectors(rows, dimension, seed), projection)
    assert codes.dtype == np.int8
    assert codes.shape == (rows, projection.shape[1])
    assert (np.abs(codes.astype(int)).max(axis=1) == 127).all()
    for code, token in zip(codes, tokens, strict=True):
        for other in others:
            rounded = _cosine(code.astype(np.float32), other)
            assert rounded == pytest.approx(_cosine(token, other), abs=_bound(len(token)))


def test_projected_tokens_lack_the_mean_and_their_lengths() -> None:
    tokens, projection = _vectors(9, 16, 0), _projection(16, 8, 1)
    np.testing.assert_allclose(project(tokens, projection), _centred(tokens) @ projection[1:], atol=1e-6)


@given(st.floats(1e-3, 1e3))
def test_the_length_of_a_token_does_not_matter(length: float) -> None:
    tokens, projection = _vectors(9, 16, 0), _projection(16, 8, 1)
    longer = np.asarray(length * tokens, np.float32)
    np.testing.assert_allclose(project(longer, projection), project(tokens, projection), atol=1e-6)
    assert np.abs(compress(longer, projection) - compress(tokens, projection).astype(int)).max() <= 1
    np.testing.assert_array_equal(compress(64 * tokens, projection), compress(tokens, projection))


def test_a_token_of_zeros_and_no_token_at_all_are_compressed() -> None:
    projection = _projection(16, 8, 1)
    largest = np.abs(projection[0]).max()
    expected = np.rint(-projection[0] / largest * 127).tolist()  # nothing is left but what is subtracted
    assert compress(np.zeros((1, 16), np.float32), projection).tolist() == [expected]
    projection[0] = 0
    assert compress(np.zeros((1, 16), np.float32), projection).tolist() == [[0] * 8]
    assert compress(np.empty((0, 16), np.float32), projection).shape == (0, 8)


class Lopsided(StandIn):
    """Has tokens that all point about the same way, and differ most in a few directions."""

    def _tokens(self, text: str) -> tuple[tuple[Span, ...], Float32]:
        spans, vectors = super()._tokens(text)
        spread = np.linspace(1, 0.1, self.dimension)
        vectors = vectors * spread + np.arange(self.dimension) % 3
        return spans, (np.arange(1, len(spans) + 1)[:, None] * vectors).astype(np.float32)


def _sample_of(encoder: StandIn) -> Float32:
    passages = [PassageInput("", line, (Span(0, len(line)),)) for line in sample.lines()]
    return np.concatenate([vectors.tokens for vectors in encoder.encode_passages(passages)])


@pytest.mark.parametrize(
    ("dimension", "asked", "width"), [(24, 64, 24), (200, 64, 64), (200, 128, 128), (64, 64, 64)]
)
@pytest.mark.parametrize("kind", [StandIn, Lopsided])
def test_the_projection_is_orthonormal_and_always_the_same(
    kind: type[StandIn], dimension: int, asked: int, width: int
) -> None:
    projection = projection_for(kind(dimension=dimension), asked, centred=True)
    assert projection.shape == (1 + dimension, width)
    assert projection.dtype == np.float32
    np.testing.assert_allclose(projection[1:].T @ projection[1:], np.eye(width), atol=1e-5)
    np.testing.assert_array_equal(projection, projection_for(kind(dimension=dimension), asked, centred=True))


@pytest.mark.parametrize("kind", [StandIn, Lopsided])
@pytest.mark.parametrize("width", [8, 48])
def test_the_mean_of_the_sample_is_projected_to_zero(kind: type[StandIn], width: int) -> None:
    encoder = kind()
    projected = project(_sample_of(encoder), projection_for(encoder, width, centred=True))
    np.testing.assert_allclose(projected.mean(axis=0), 0, atol=1e-5)


@pytest.mark.parametrize("kind", [StandIn, Lopsided])
def test_directions_are_by_falling_variance_and_no_others_have_more(kind: type[StandIn]) -> None:
    encoder = kind()
    tokens, projection = _sample_of(encoder), projection_for(encoder, 12, centred=True)
    units = np.array([token / np.linalg.norm(token) for token in tokens], np.float64)
    variances = project(tokens, projection).var(axis=0)
    assert (np.diff(variances) <= 1e-6).all()
    expected = np.linalg.svd(units - units.mean(axis=0), compute_uv=False)[:12] ** 2 / len(units)
    np.testing.assert_allclose(variances, expected, rtol=1e-3)


def test_what_tokens_have_in_common_makes_none_of_them_alike() -> None:
    """Once the mean is subtracted, unrelated words have a cosine of about 0 with each other."""
    encoder = Lopsided()
    projection = projection_for(encoder, 48, centred=True)
    _, tokens = encoder._tokens("rice doctor envoy railway harvest zeppelin bridge temple")
    raw, centred = (
        np.mean([_cosine(one, other) for i, one in enumerate(vectors) for other in vectors[:i]])
        for vectors in (tokens, project(tokens, projection))
    )
    assert raw > 0.5
    assert abs(centred) < 0.2


def test_the_projection_keeps_the_directions_in_which_tokens_vary_most() -> None:
    class Narrow(StandIn):
        """Has tokens that lie in ten of its directions, but for a little."""

        def _tokens(self, text):
            spans, vectors = super()._tokens(text)
            return spans, vectors * np.where(np.arange(self.dimension) < 10, 1, 1e-3)

    projection = projection_for(Narrow(dimension=100), 64, centred=True)
    kept = np.linalg.norm(projection[1:11], axis=1)  # of each direction, the part that is kept
    np.testing.assert_allclose(kept, 1, atol=1e-4)


def test_without_centring_nothing_is_subtracted() -> None:
    encoder = Lopsided()
    projection = projection_for(encoder, 48, centred=False)
    assert projection[0].tolist() == [0] * 48
    tokens = _sample_of(encoder)[:5]
    units = np.array([token / np.linalg.norm(token) for token in tokens])
    np.testing.assert_allclose(project(tokens, projection), units @ projection[1:], atol=1e-6)


@given(st.integers(0, 6), st.sampled_from([1, 8, 127, 128, 129, 130, 255, 256]), st.integers(0, 10**6))
def test_numbers_survive_compression_in_8_bits_or_in_4(rows: int, width: int, seed: int) -> None:
    """A vector's largest number is 127 or, if it has more than 128 numbers, 7."""
    most = 127 if width <= 128 else 7
    vectors = np.random.default_rng(seed).integers(-most, most, (rows, width), endpoint=True)
    vectors[:, :1] = most
    projection = np.eye(1 + width, width, -1, dtype=np.float32)
    packed = compress(vectors.astype(np.float32), projection)
    assert packed.shape == (rows, row_size(width))
    assert row_size(width) <= 128
    assert decompress(packed, width).tolist() == vectors.tolist()
    lengths = np.linalg.norm(vectors.astype(float), axis=1)
    assert lengths_of(packed, width).tolist() == pytest.approx(lengths.tolist())


@pytest.mark.parametrize("width", [129, 200])
def test_cosines_of_4_bits_are_about_those_of_the_vectors(width: int) -> None:
    """By chance, rounding errors are much smaller than they may be, and even out over so many numbers."""
    tokens, projection = _vectors(6, width, 0), _projection(width, width, 1)
    index = _index(list(tokens[:, None]), projection)
    matches = index.match_tokens(tokens, np.arange(6), np.arange(1, 7))
    centred = _centred(tokens)
    expected = [[_cosine(one, other) for other in centred] for one in centred]
    np.testing.assert_allclose(matches.maxsim, expected, atol=0.05)


def test_a_model_without_token_vectors_has_a_projection_too() -> None:
    projection = projection_for(StandIn(dimension=100, speaks_in_tokens=False), 64, centred=True)
    np.testing.assert_allclose(projection[1:].T @ projection[1:], np.eye(64), atol=1e-5)
    assert projection[0].tolist() == [0] * 64


@pytest.fixture
def written(tmp_path: Path) -> tuple[list[tuple[Int8, list[int]]], Float32, Path]:
    """Two passages of three segments and one, and where they were written."""
    projection = _projection(16, 8, 0)
    parts = [
        (compress(_vectors(5, 16, 1), projection), [2, 0, 3]),
        (compress(_vectors(1, 16, 2), projection), [1]),
    ]
    writer = TokenWriter(tmp_path / "tokens", projection)
    for tokens, counts in parts:
        writer.add(tokens, counts)
    writer.close()
    return parts, projection, tmp_path / "tokens"


def test_what_was_written_is_read(written) -> None:
    parts, projection, folder = written
    index = TokenIndex.load(folder)
    assert index
    assert index.segments == 4
    np.testing.assert_array_equal(index.projection, projection)
    for (tokens, counts), (first, last) in zip(parts, [(0, 3), (3, 4)], strict=True):
        kept, kept_counts = index.tokens(first, last)
        np.testing.assert_array_equal(kept, tokens)
        assert kept_counts.tolist() == counts
    assert index.tokens(1, 2)[0].shape == (0, 8)


def test_a_copy_made_segment_by_segment_is_the_same_to_the_byte(written, tmp_path: Path) -> None:
    _, projection, folder = written
    index = TokenIndex.load(folder)
    writer = TokenWriter(tmp_path / "copy", projection)
    for first, last in ((0, 3), (3, 4)):
        writer.add(*index.tokens(first, last))
    writer.close()
    for path in folder.iterdir():
        assert (tmp_path / "copy" / path.name).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: data + b"\0", lambda data: b""])
def test_tokens_of_another_size_are_refused(written, change) -> None:
    path = written[2] / "tokens.int8"
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(ValueError, match=r"tokens\.int8 does not hold (6 tokens|whole rows)"):
        TokenIndex.load(path.parent)


@pytest.mark.parametrize("counts", [[], [0], [0, 0, 0]])
def test_an_index_without_tokens_is_empty_and_matches_nothing(tmp_path: Path, counts: list[int]) -> None:
    projection = _projection(16, 8, 0)
    writer = TokenWriter(tmp_path / "tokens", projection)
    writer.add(np.empty((0, 8), np.int8), counts)
    writer.close()
    index = TokenIndex.load(tmp_path / "tokens")
    assert not index
    assert index.segments == len(counts)
    bounds: tuple[Int64, Int64] = (np.arange(len(counts)), np.arange(1, len(counts) + 1))
    whole, parts = _meet(index, _vectors(2, 16, 0), np.array([0.5, 0.5], np.float32), *bounds)
    assert whole.tolist() == parts.tolist() == [-1] * len(counts)


def test_a_question_without_tokens_matches_nothing(written) -> None:
    index = TokenIndex.load(written[2])
    whole, parts = _meet(
        index, np.empty((0, 16), np.float32), np.empty(0, np.float32), np.array([0, 3]), np.array([3, 4])
    )
    assert (whole.tolist(), parts.tolist()) == ([0, 0], [0] * 4)


def test_tokens_count_by_their_weights() -> None:
    tokens = _vectors(3, 16, 0)
    index = _index(list(tokens[:, None]), _projection(16, 16, 1))
    for weights in ([1, 0], [0, 1], [0.5, 0.5]):
        whole, _ = _meet(index, tokens[:2], np.array(weights, np.float32), np.arange(3), np.arange(1, 4))
        expected = [_by_formula(tokens[:2], weights, tokens[[i]]) for i in range(3)]
        assert whole.tolist() == pytest.approx(expected, abs=_bound(16))


@pytest.mark.parametrize(("previous_discount", "context_discount"), [(0.5, 0.0), (0.0, 0.8), (0.75, 0.8)])
def test_a_sentence_gets_discounted_credit_from_the_previous_one_and_the_context(
    previous_discount: float, context_discount: float
) -> None:
    counts = [[2, 1, 3], [0, 2], [1, 0, 2, 1]]
    flat = [count for inner in counts for count in inner]
    vectors, query = _vectors(sum(flat), 16, 0), _vectors(3, 16, 1)
    segments = [vectors[a:b] for a, b in pairwise([0, *accumulate(flat)])]
    projection = _projection(16, 16, 1)
    bounds = np.array([0, 3, 5]), np.array([3, 5, 9])
    weights = np.array([0.2, 0.3, 0.5], np.float32)
    index = _index(segments, projection)
    discounts = {"previous_discount": previous_discount, "context_discount": context_discount}
    whole, parts = _meet(index, query, weights, *bounds, **discounts)
    np.testing.assert_array_equal(whole, _meet(index, query, weights, *bounds)[0])

    each = [
        [max((_cosine(q, t) for t in _centred(segment)), default=-1) for q in _centred(query)]
        for segment in segments
    ]
    for first, last in zip(*(bound.tolist() for bound in bounds), strict=True):
        for i in range(first + 1, last):
            before = each[i - 1] if i > first + 1 else [-1] * 3
            best = [
                max(own, previous_discount * previous, context_discount * context)
                for own, previous, context in zip(each[i], before, each[first], strict=True)
            ]
            assert parts[i] == pytest.approx(float(np.dot(best, weights)), abs=_bound(16) + 1e-5)


def test_each_passage_has_its_own_segments() -> None:
    counts = [[1, 2], [3], [1, 1, 1]]
    flat = [count for inner in counts for count in inner]
    vectors = _vectors(sum(flat), 16, 0)
    segments = [vectors[a:b] for a, b in pairwise([0, *accumulate(flat)])]
    index = _index(segments, _projection(16, 16, 1))
    one = np.ones(1, np.float32)
    for wanted, owner in enumerate([0, 0, 0, 1, 1, 1, 2, 2, 2]):
        whole, parts = _meet(index, vectors[[wanted]], one, np.array([0, 2, 3]), np.array([2, 3, 6]))
        assert int(whole.argmax()) == owner
        assert whole[owner] == pytest.approx(parts.max())


def test_discounts_apply_to_rescaled_cosines() -> None:
    """Two sentences of a token each; the question's one token is the first one's."""
    codes = np.array([[127, 0], [0, 127]], np.int8)
    index = _of_codes(codes, [0, 1, 1], np.eye(3, 2, -1, dtype=np.float32))
    rescale = Affine(0.25, 0.75)
    passages, segments = _meet(
        index,
        np.array([[1, 0]], np.float32),
        np.ones(1, np.float32),
        np.array([0]),
        np.array([3]),
        previous_discount=0.9,
        rescale=rescale,
    )
    np.testing.assert_allclose(passages, [1])
    np.testing.assert_allclose(segments[1:], [1, 0.9])  # 0.9 * (0.25 * 1 + 0.75), more than 0.25 * 0 + 0.75


def _leave_no_numbers_on_the_stack() -> None:
    """Have OpenBLAS copy signalling NaNs to where its next call may look."""
    none = np.full(512, 0x7FA00000, np.uint32).view(np.float32)[::2]
    with np.errstate(all="ignore"):
        np.ones((3, len(none)), np.float32) @ none


@pytest.mark.parametrize("tokens", range(1, 20))
def test_no_valid_number_causes_a_warning(tokens: int) -> None:
    """Of a question of five tokens, OpenBLAS multiplies what is on its stack, too, and numpy warns of it."""
    random = np.random.default_rng(tokens)
    weights = random.random(tokens, dtype=np.float32)
    for passages in range(1, 20):
        best = random.random((2 * passages, tokens), dtype=np.float32)
        matches = TokenMatches(best, np.arange(0, 2 * passages + 1, 2))
        with np.errstate(all="raise"):
            _leave_no_numbers_on_the_stack()
            scores = matches.score_passages(weights)
            _leave_no_numbers_on_the_stack()
            of_sentences = matches.score_sentences(weights, previous_discount=0.8, context_discount=0.9)
        expected = best.reshape(passages, 2, tokens).max(axis=1).astype(np.float64) @ weights
        np.testing.assert_allclose(scores, expected, rtol=1e-5)
        assert len(of_sentences) == passages


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(late_interaction).failed == 0
