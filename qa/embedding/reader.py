"""The optional third model, a reader, which marks the words of the first passages that answer a question."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from qa.config import Settings
from qa.embedding.answer_spans import WindowScore, log_odds_of_any, score_window, span_of_tokens
from qa.embedding.export import conversion
from qa.embedding.export.reader_export import encoded_inputs, load_reader_export
from qa.embedding.export.runtimes import RunInputs
from qa.embedding.models import find_model
from qa.embedding.question_answering import QuestionAnsweringModel
from qa.errors import ExportRefusedError, ModelError
from qa.hardware import cores
from qa.types import ReaderAnswer

QUESTION_SHARE, OVERLAP_SHARE = 6, 3
"""A question takes at most a sixth of a window, and a window shares a third with the next: 64 and 128 of 384
tokens, as in BERT's own program for SQuAD."""

NO_ANSWER = -20.0
"""Log odds of an answer where there is nothing to read."""

_log = logging.getLogger(__name__)


def load_reader(name: str, cache: Path | None = None) -> ExtractiveReader:
    """Find a reader. It is loaded, and exported for this processor, when first used.

    Args:
        name: the folder or name of an extractive question-answering model of transformers.
        cache: the folder of exports; that of the settings if None.

    Raises:
        ModelError: it is missing.
    """
    cache = Settings().cache if cache is None else cache
    return ExtractiveReader(QuestionAnsweringModel(name, find_model(name, cache), cache), cache)


class ReaderModel(Protocol):
    """What gives tokens their logits: the model itself or its export."""

    @property
    def tokenizer(self) -> Any:
        """The tokenizer, of the library tokenizers."""
        ...

    @property
    def max_length(self) -> int:
        """The longest input that it reads at once, in tokens."""
        ...

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of what it reads."""
        ...

    @property
    def run(self) -> RunInputs:
        """Runs it: from its inputs to each token's start and end logit, shape (1, tokens, 2)."""
        ...


class _Window(NamedTuple):
    """A part of a passage that is read at once, as the tokenizer encodes it with the question."""

    passage: int
    encoding: Any


class ExtractiveReader:
    """Any extractive reader. Any number of threads may share it."""

    def __init__(self, plain: QuestionAnsweringModel, cache: Path) -> None:
        """Name a reader; ``cache`` is the folder of its export."""
        self.name = plain.name
        self._plain = plain
        self._cache = cache

    def read(self, question: str, passages: Sequence[str]) -> ReaderAnswer:
        """Return where the likeliest answer stands, and how likely there is one.

        Raises:
            ModelError: the model cannot be loaded, or its logits are not numbers.
        """
        windows = list(self._windows(question, passages))
        scores = list(self._threads.map(self._score, windows))
        best: dict[int, tuple[WindowScore, _Window]] = {}
        log_odds: dict[int, float] = {}
        for window, score in zip(windows, scores, strict=True):
            if score is None:
                continue
            place = window.passage
            # Windows overlap, so a passage is as likely to answer as the likeliest of them.
            log_odds[place] = max(score.log_odds, log_odds.get(place, -np.inf))
            if place not in best or score.margin > best[place][0].margin:
                best[place] = score, window
        if not best:
            return ReaderAnswer(NO_ANSWER)
        place = max(best, key=lambda each: best[each][0].margin)
        score, window = best[place]
        offsets = window.encoding.offsets
        span = span_of_tokens(passages[place], offsets[score.first], offsets[score.last])
        return ReaderAnswer(log_odds_of_any(list(log_odds.values())), place, span)

    def _windows(self, question: str, passages: Sequence[str]) -> Iterator[_Window]:
        asked = self._shortened(question)
        for place, text in enumerate(passages):
            encoding = self._tokenizer.encode(asked, text)
            yield from (_Window(place, each) for each in (encoding, *encoding.overflowing))

    def _shortened(self, question: str) -> str:
        """Return a question without what is too much of it."""
        most = self._model.max_length // QUESTION_SHARE
        offsets = self._model.tokenizer.encode(question, add_special_tokens=False).offsets
        return question if len(offsets) <= most else question[: offsets[most - 1][1]]

    def _score(self, window: _Window) -> WindowScore | None:
        # A window is a batch of its own: rounding to 8 bits depends a little on the rest of a batch.
        model, encoding = self._model, window.encoding
        logits = model.run(encoded_inputs(encoding, model.inputs, model.max_length))[0]
        if not np.isfinite(logits).all():
            raise ModelError(f"the reader {self.name!r} gives logits that are not numbers")
        pairs = zip(encoding.sequence_ids, encoding.offsets, strict=True)
        return score_window(
            logits, np.array([sequence == 1 and start < end for sequence, (start, end) in pairs], np.bool_)
        )

    @cached_property
    def _model(self) -> ReaderModel:
        if conversion.has_gpu():
            return self._plain
        try:
            return load_reader_export(self._plain, self._cache)
        except ExportRefusedError as refusal:
            _log.warning("%s", refusal)
            return self._plain

    @cached_property
    def _tokenizer(self) -> Any:
        """The tokenizer, which cuts a passage into overlapping windows."""
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_str(self._model.tokenizer.to_str())
        length = self._model.max_length
        tokenizer.enable_truncation(length, stride=length // OVERLAP_SHARE, strategy="only_second")
        return tokenizer

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        """What reads windows at once: torch uses all cores by itself, an export one for each run."""
        return ThreadPoolExecutor(1 if self._model is self._plain else cores(), "reader")
