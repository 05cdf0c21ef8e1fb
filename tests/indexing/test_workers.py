"""This process as a worker: batches are encoded at once, and waited for in any order."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from fake_encoder import StandIn

from qa.errors import ModelError
from qa.index.dense import late_interaction
from qa.indexing.encoding import encode
from qa.indexing.workers import InProcess
from qa.types import PassageInput, PassageVectors, Span

PROJECTION = late_interaction.projection_for(StandIn(), 8, centred=True)


def _batch(word: str) -> list[tuple[str, PassageInput]]:
    return [(word, PassageInput("", word, (Span(0, len(word)),)))]


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(InProcess.ahead) as executor:
        yield executor


def test_each_batch_gets_its_own_vectors(threads: ThreadPoolExecutor) -> None:
    start = InProcess(None, StandIn(), threads).encoding(PROJECTION)
    waits = [(word, start(_batch(word))) for word in ("rice", "port", "envoy", "bank")]
    for word, wait in reversed(waits):
        (vectors,) = wait()
        (expected,) = encode(StandIn(), PROJECTION, _batch(word))
        np.testing.assert_array_equal(vectors.passage, expected.passage)
        np.testing.assert_array_equal(vectors.tokens, expected.tokens)


def test_as_many_batches_are_encoded_at_once_as_may_be_ahead(threads: ThreadPoolExecutor) -> None:
    together = threading.Barrier(InProcess.ahead)

    class Meeting(StandIn):
        def encode_passages(self, passages: Sequence[PassageInput]) -> list[PassageVectors]:
            together.wait(10)
            return super().encode_passages(passages)

    start = InProcess(None, Meeting(), threads).encoding(PROJECTION)
    waits = [start(_batch(word)) for word in ("rice", "port")]
    assert [len(wait()) for wait in waits] == [1, 1]


def test_an_error_is_raised_to_the_caller_that_waits(threads: ThreadPoolExecutor) -> None:
    class Broken(StandIn):
        def encode_passages(self, passages: Sequence[PassageInput]) -> list[PassageVectors]:
            raise ModelError("the model is gone")

    wait = InProcess(None, Broken(), threads).encoding(PROJECTION)(_batch("rice"))
    with pytest.raises(ModelError, match="the model is gone"):
        wait()
