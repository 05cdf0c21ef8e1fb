"""Token vectors → vectors of passages, sentences and questions, whatever runs the model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from qa.arrays import unit
from qa.types import Float32, Int64, PassageInput, PassageVectors, QueryVectors, Span

CONTEXT_TOKENS = 32
"""Tokens of a passage's title and section that are read before each window of its text."""

VERSION = "3"
"""Changes whenever the same model may give other vectors."""

_TOKENS_PER_UNKNOWN_LETTER = 3
"""Added to a question's tokens: a word of an unknown script counts as illegible, though it is one token."""

Kind = Literal["query", "document"]


class ModelOutput(NamedTuple):
    """A model's output for one text.

    Attributes:
        pooled: the text's vector, shape (dimension,).
        tokens: the vectors of its tokens, special ones included, shape (tokens, dimension).
    """

    pooled: Float32
    tokens: Float32


class _Window(NamedTuple):
    """A part of a passage that the model reads at once, with its context, and its sentences' places."""

    text: str
    sentences: list[Span]


class PoolingEncoder(ABC):
    """An ``Encoder`` over a model that reads a text at once, with the model's own prompts and length.

    Where the model pools by the mean, a sentence's vector is the mean of its tokens' vectors from the pass
    over its whole passage, title and section ("late" pooling: Günther et al., Late Chunking,
    arXiv 2409.04701): it costs no second pass and knows its context. Otherwise each sentence is encoded
    by itself.
    """

    name: str

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """Hex digits that identify everything that shapes the vectors."""

    @property
    @abstractmethod
    def dimension(self) -> int:
        """Length of a vector."""

    @property
    @abstractmethod
    def max_seq_length(self) -> int:
        """The longest text that the model reads whole, in tokens, including prompt and special ones."""

    @property
    @abstractmethod
    def pools_late(self) -> bool:
        """Whether a text's vector is the mean of its tokens' vectors."""

    @property
    @abstractmethod
    def tokenizer(self) -> Any:
        """The model's tokenizer, without truncation and padding."""

    @property
    @abstractmethod
    def unknown_token(self) -> str | None:
        """The tokenizer's token for letters that it does not know."""

    @abstractmethod
    def prompt(self, kind: Kind) -> str:
        """Return the prompt that the model expects before each text."""

    @abstractmethod
    def check(self, sentences: Sequence[str]) -> None:
        """Check on some sentences that the encoder gives the model's vectors.

        Raises:
            ExportRefusedError: they differ too much.
        """

    @abstractmethod
    def save(self, folder: Path, *, documents: bool = False) -> None:
        """Write what questions need into a new folder; with ``documents``, also what documents need."""

    @abstractmethod
    def _read(self, kind: Kind, texts: Sequence[str], encodings: Sequence[Any]) -> list[ModelOutput]:
        """Run the model.

        Args:
            kind: what the texts are.
            texts: the texts, without prompts.
            encodings: the tokenizer's encodings of the texts, with prompts and special tokens.

        Returns:
            One output per text, in order.
        """

    @cached_property
    def max_tokens(self) -> int:
        """The longest passage that the model reads whole, in tokens, without prompt and special ones."""
        special = self.tokenizer.num_special_tokens_to_add(is_pair=False)
        return max(1, self.max_seq_length - int(special) - self.count_tokens([self.prompt("document")])[0])

    def vectors(self, texts: Sequence[str], kind: Kind = "document") -> Float32:
        """Return the unit vectors of texts, shape (texts, dimension)."""
        _, outputs = self._outputs(kind, texts)
        return unit(np.stack([output.pooled for output in outputs]))

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count each text's tokens, without special ones."""
        if not texts:
            return []
        encodings = self.tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [len(encoding) for encoding in encodings]

    def count_query_tokens(self, questions: Sequence[str]) -> list[int]:
        """Count each question's tokens, and several more for every letter within an unknown token."""
        prompt = self.prompt("query")
        encodings = self.tokenizer.encode_batch([prompt + question for question in questions])
        return [self._count_query_tokens(encoding) for encoding in encodings]

    def encode_queries(self, questions: Sequence[str]) -> list[QueryVectors]:
        """Return each question's vectors, in order.

        A question's vector has shape (dimension,), its tokens' (tokens, dimension): none unless pooled late.
        """
        encodings, outputs = self._outputs("query", questions)
        queries = []
        for encoding, output in zip(encodings, outputs, strict=True):
            tokens, bounds = self._own_tokens("query", encoding, output)
            spans = tuple(Span(start, end) for start, end in bounds.tolist())
            queries.append(
                QueryVectors(unit(output.pooled), tokens, spans, self._count_query_tokens(encoding))
            )
        return queries

    def encode_passages(self, passages: Sequence[PassageInput]) -> list[PassageVectors]:
        """Return each passage's vectors: its own, its sentences', and its tokens' if pooled late."""
        if not passages:
            return []
        return self._encode_late(passages) if self.pools_late else self._encode_separately(passages)

    def _outputs(self, kind: Kind, texts: Sequence[str]) -> tuple[list[Any], list[ModelOutput]]:
        prompt = self.prompt(kind)
        encodings = self.tokenizer.encode_batch([prompt + text for text in texts])
        return encodings, self._read(kind, texts, encodings)

    def _own_tokens(self, kind: Kind, encoding: Any, output: ModelOutput) -> tuple[Float32, Any]:
        """Return the vectors of a text's tokens, without special ones and the prompt's, and their bounds.

        The shapes are (tokens, dimension) and (tokens, 2). Both are empty unless the model pools late.
        """
        if not self.pools_late:
            return np.empty((0, self.dimension), np.float32), np.empty((0, 2), np.int64)
        bounds = np.array(encoding.offsets).reshape(-1, 2) - len(self.prompt(kind))
        bounds = bounds[kept_tokens(encoding, len(output.tokens))]
        own = bounds[:, 1] > np.maximum(bounds[:, 0], 0)  # false for special tokens and the prompt's
        return output.tokens[own], bounds[own]

    def _count_query_tokens(self, encoding: Any) -> int:
        """Count a question's tokens, and several more for every letter within an unknown token."""
        prompt, count = len(self.prompt("query")), 0
        unknown = self.tokenizer.token_to_id(self.unknown_token or "")
        for token, (start, end) in zip(encoding.ids, encoding.offsets, strict=True):
            letters = end - max(start, prompt)
            if letters > 0:
                count += 1 + (_TOKENS_PER_UNKNOWN_LETTER * letters if token == unknown else 0)
        return count

    def _encode_late(self, passages: Sequence[PassageInput]) -> list[PassageVectors]:
        """Encode passages in windows of whole sentences, each after the context. Most need one window."""
        contexts = {context: self._context(context) for context in {passage.context for passage in passages}}
        windows = list(self._windows(passages, contexts))
        encodings, outputs = self._outputs("document", [window.text for part in windows for window in part])
        window_outputs = iter(zip(encodings, outputs, strict=True))
        return [
            self._gather(contexts[passage.context], [(window, *next(window_outputs)) for window in part])
            for passage, part in zip(passages, windows, strict=True)
        ]

    def _windows(self, passages: Sequence[PassageInput], contexts: dict[str, str]) -> Iterator[list[_Window]]:
        """Yield the windows of each passage."""
        texts = [contexts[passage.context] + passage.text for passage in passages]
        for passage, count in zip(passages, self.count_tokens(texts), strict=True):
            context = contexts[passage.context]
            fits = count <= self.max_tokens
            groups = [list(passage.sentences)] if fits else self._groups(passage, context)
            yield [_window(context, passage.text, group) for group in groups]

    def _groups(self, passage: PassageInput, context: str) -> list[list[Span]]:
        """Group as many sentences as the model reads after the context."""
        room = self.max_tokens - self.count_tokens([context])[0]
        ends = [*(span.start for span in passage.sentences[1:]), len(passage.text)]
        counts = self.count_tokens(  # with what is between sentences, such as a row of signs
            [passage.text[span.start : end] for span, end in zip(passage.sentences, ends, strict=True)]
        )
        groups: list[list[Span]] = []
        used = room
        for span, count in zip(passage.sentences, counts, strict=True):
            if not groups or used + count > room:
                groups.append([])
                used = 0
            groups[-1].append(span)
            used += count
        return groups

    def _gather(self, context: str, windows: list[tuple[_Window, Any, ModelOutput]]) -> PassageVectors:
        """Return a passage's vectors: tokens of the first window's context, then those of all sentences.

        The passage's vector is the mean of its windows', a sentence's that of its tokens'.
        """
        pooled = np.mean([unit(output.pooled) for _, _, output in windows], axis=0)
        segments: list[Float32] = []
        for window, encoding, output in windows:
            tokens, bounds = self._own_tokens("document", encoding, output)
            if not segments:
                segments += _overlapping(tokens, bounds, [Span(0, len(context))])
            segments += _overlapping(tokens, bounds, window.sentences)
        sentences = [segment.mean(axis=0) if len(segment) else pooled for segment in segments[1:]]
        counts = tuple(map(len, segments))
        return PassageVectors(unit(pooled), unit(np.stack(sentences)), np.concatenate(segments), counts)

    def _encode_separately(self, passages: Sequence[PassageInput]) -> list[PassageVectors]:
        """Encode passages and their sentences as texts of their own."""
        texts = [self._context(passage.context) + passage.text for passage in passages]
        sentences = [span.slice(passage.text) for passage in passages for span in passage.sentences]
        vectors = self.vectors([*texts, *sentences])
        starts = np.cumsum([len(passages), *(len(passage.sentences) for passage in passages)])
        none = np.empty((0, self.dimension), np.float32)
        return [
            PassageVectors(vectors[i], vectors[start:end], none, (0,) * (end - start + 1))
            for i, (start, end) in enumerate(pairwise(starts.tolist()))
        ]

    def _context(self, context: str) -> str:
        if not context:
            return ""
        offsets = self.tokenizer.encode(context, add_special_tokens=False).offsets
        # Two tokens are left for the colon and for a piece that merges differently beside it.
        end = offsets[: CONTEXT_TOKENS - 2][-1][1] if offsets else 0
        return context[:end] + ": "


def kept_tokens(encoding: Any, max_seq_length: int) -> Int64:
    """Return the indexes of the tokens that a model reads: the first of a text, and its last special ones."""
    indexes = np.arange(len(encoding))
    if len(indexes) <= max_seq_length:
        return indexes
    end = np.flatnonzero(np.array(encoding.special_tokens_mask) == 0)[-1] + 1
    return np.concatenate([indexes[: max_seq_length - (len(indexes) - end)], indexes[end:]])


def _window(context: str, text: str, sentences: Sequence[Span]) -> _Window:
    shift = len(context) - sentences[0].start
    return _Window(
        context + text[sentences[0].start : sentences[-1].end],
        [Span(start + shift, end + shift) for start, end in sentences],
    )


def _overlapping(tokens: Float32, bounds: Any, spans: Sequence[Span]) -> list[Float32]:
    """Return each span's tokens: those that overlap with it.

    Args:
        tokens: vectors in the order of the text, shape (tokens, dimension).
        bounds: their starts and ends in the text, shape (tokens, 2).
        spans: places in the text.

    Returns:
        An array of shape (tokens of the span, dimension) per span.
    """
    starts, ends = np.array(spans).reshape(-1, 2).T
    firsts = np.searchsorted(bounds[:, 1], starts, side="right").tolist()
    lasts = np.searchsorted(bounds[:, 0], ends, side="left").tolist()
    return [tokens[first:last] for first, last in zip(firsts, lasts, strict=True)]
