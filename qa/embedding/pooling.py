"""From token vectors to those of passages, sentences and questions, whatever runs the model."""

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
"""The most that is read of a passage's title and section before each window of its text, in tokens."""

VERSION = "3"
"""Changes whenever the same model may give other vectors."""

_TOKENS_FOR_UNKNOWN = 3

Kind = Literal["query", "document"]


class ModelOutput(NamedTuple):
    """What a model makes of a text: one vector of the whole and one of each token, special ones too."""

    whole: Float32
    tokens: Float32


class _Window(NamedTuple):
    """A part of a passage that the model reads at once, its context before it, and its sentences in that."""

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
        """Hex digits that stand for everything that shapes the vectors."""

    @property
    @abstractmethod
    def dimension(self) -> int:
        """Length of a vector."""

    @property
    @abstractmethod
    def longest(self) -> int:
        """The longest text that the model reads whole, in tokens, prompt and special ones included."""

    @property
    @abstractmethod
    def pools_late(self) -> bool:
        """Whether a text's vector is the mean of its tokens'."""

    @property
    @abstractmethod
    def tokenizer(self) -> Any:
        """The model's tokenizer, which neither cuts nor pads."""

    @property
    @abstractmethod
    def unknown_token(self) -> str | None:
        """What the tokenizer gives for letters that it does not know."""

    @abstractmethod
    def prompt(self, kind: Kind) -> str:
        """Give what the model wants before each text."""

    @abstractmethod
    def check(self, sentences: Sequence[str]) -> None:
        """See to it that what runs the model keeps its vectors, on these sentences.

        Raises:
            ExportRefusedError: it does not.
        """

    @abstractmethod
    def save(self, folder: Path, *, documents: bool = False) -> None:
        """Write all that is needed to encode questions, or documents as well, into a new folder."""

    @abstractmethod
    def _read(self, kind: Kind, texts: Sequence[str], encodings: Sequence[Any]) -> list[ModelOutput]:
        """Run the model.

        Args:
            kind: of the texts.
            texts: without prompts.
            encodings: of the texts, with prompts and special tokens.
        """

    @cached_property
    def max_tokens(self) -> int:
        """The longest passage that it reads whole, in its own tokens."""
        special = self.tokenizer.num_special_tokens_to_add(is_pair=False)
        return max(1, self.longest - int(special) - self.count_tokens([self.prompt("document")])[0])

    def vectors(self, texts: Sequence[str], kind: Kind = "document") -> Float32:
        """Give the unit vectors of whole texts, shape (texts, dimension)."""
        _, outputs = self._outputs(kind, texts)
        return unit(np.stack([output.whole for output in outputs]))

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count each text's tokens, special tokens left out."""
        if not texts:
            return []
        encodings = self.tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [len(encoding) for encoding in encodings]

    def encode_queries(self, questions: Sequence[str]) -> list[QueryVectors]:
        """Give each question's vectors, in order."""
        encodings, outputs = self._outputs("query", questions)
        found = []
        for encoding, output in zip(encodings, outputs, strict=True):
            tokens, bounds = self._own_tokens("query", encoding, output)
            spans = tuple(Span(start, end) for start, end in bounds.tolist())
            found.append(QueryVectors(unit(output.whole), tokens, spans, self._count_as_read(encoding)))
        return found

    def encode_passages(self, passages: Sequence[PassageInput]) -> list[PassageVectors]:
        """Give each passage's vectors, in order."""
        if not passages:
            return []
        return self._encode_late(passages) if self.pools_late else self._encode_apart(passages)

    def _outputs(self, kind: Kind, texts: Sequence[str]) -> tuple[list[Any], list[ModelOutput]]:
        prompt = self.prompt(kind)
        encodings = self.tokenizer.encode_batch([prompt + text for text in texts])
        return encodings, self._read(kind, texts, encodings)

    def _own_tokens(self, kind: Kind, encoding: Any, output: ModelOutput) -> tuple[Float32, Any]:
        """Give the vectors of a text's own tokens and where they stand in it, if they can be compared."""
        if not self.pools_late:
            return np.empty((0, self.dimension), np.float32), np.empty((0, 2), np.int64)
        bounds = np.array(encoding.offsets).reshape(-1, 2) - len(self.prompt(kind))
        bounds = bounds[tokens_read(encoding, len(output.tokens))]
        own = bounds[:, 1] > np.maximum(bounds[:, 0], 0)  # which special tokens and the prompt's do not
        return output.tokens[own], bounds[own]

    def _count_as_read(self, encoding: Any) -> int:
        """Count a question's tokens, and several more for every letter that is only known as unknown."""
        prompt, read = len(self.prompt("query")), 0
        for token, (start, end) in zip(encoding.tokens, encoding.offsets, strict=True):
            letters = end - max(start, prompt)
            if letters > 0:
                read += 1 + (_TOKENS_FOR_UNKNOWN * letters if token == self.unknown_token else 0)
        return read

    def _encode_late(self, passages: Sequence[PassageInput]) -> list[PassageVectors]:
        """Read each passage in windows of whole sentences, its context before each; most need but one."""
        contexts = {context: self._context(context) for context in {passage.context for passage in passages}}
        windows = list(self._windows(passages, contexts))
        encodings, outputs = self._outputs("document", [window.text for part in windows for window in part])
        read = iter(zip(encodings, outputs, strict=True))
        return [
            self._gather(contexts[passage.context], [(window, *next(read)) for window in part])
            for passage, part in zip(passages, windows, strict=True)
        ]

    def _windows(self, passages: Sequence[PassageInput], contexts: dict[str, str]) -> Iterator[list[_Window]]:
        """Divide each passage into what the model reads at once."""
        whole = [contexts[passage.context] + passage.text for passage in passages]
        for passage, count in zip(passages, self.count_tokens(whole), strict=True):
            context = contexts[passage.context]
            fits = count <= self.max_tokens
            groups = [list(passage.sentences)] if fits else self._groups(passage, context)
            yield [_window(context, passage.text, group) for group in groups]

    def _groups(self, passage: PassageInput, context: str) -> list[list[Span]]:
        """Put as many sentences together as the model reads with the context before them."""
        room = self.max_tokens - self.count_tokens([context])[0]
        ends = [*(span.start for span in passage.sentences[1:]), len(passage.text)]
        counts = self.count_tokens(  # of what stands between sentences too, such as a row of signs
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
        """Put the windows' token vectors together: the context's of the first, then the sentences'."""
        whole = np.mean([unit(output.whole) for _, _, output in windows], axis=0)
        segments: list[Float32] = []
        for window, encoding, output in windows:
            tokens, bounds = self._own_tokens("document", encoding, output)
            if not segments:
                segments += _overlapping(tokens, bounds, [Span(0, len(context))])
            segments += _overlapping(tokens, bounds, window.sentences)
        sentences = [segment.mean(axis=0) if len(segment) else whole for segment in segments[1:]]
        counts = tuple(map(len, segments))
        return PassageVectors(unit(whole), unit(np.stack(sentences)), np.concatenate(segments), counts)

    def _encode_apart(self, passages: Sequence[PassageInput]) -> list[PassageVectors]:
        wholes = [self._context(passage.context) + passage.text for passage in passages]
        sentences = [span.of(passage.text) for passage in passages for span in passage.sentences]
        found = self.vectors([*wholes, *sentences])
        starts = np.cumsum([len(passages), *(len(passage.sentences) for passage in passages)])
        none = np.empty((0, self.dimension), np.float32)
        return [
            PassageVectors(found[i], found[start:end], none, (0,) * (end - start + 1))
            for i, (start, end) in enumerate(pairwise(starts.tolist()))
        ]

    def _context(self, context: str) -> str:
        if not context:
            return ""
        offsets = self.tokenizer.encode(context, add_special_tokens=False).offsets
        # Two tokens are left for the colon and for a piece that merges differently beside it.
        end = offsets[: CONTEXT_TOKENS - 2][-1][1] if offsets else 0
        return context[:end] + ": "


def tokens_read(encoding: Any, longest: int) -> Int64:
    """Number the tokens that a model reads of a text: the first, and the special ones at its end."""
    numbers = np.arange(len(encoding))
    if len(numbers) <= longest:
        return numbers
    ends = np.flatnonzero(np.array(encoding.special_tokens_mask) == 0)[-1] + 1
    return np.concatenate([numbers[: longest - (len(numbers) - ends)], numbers[ends:]])


def _window(context: str, text: str, sentences: Sequence[Span]) -> _Window:
    shift = len(context) - sentences[0].start
    return _Window(
        context + text[sentences[0].start : sentences[-1].end],
        [Span(start + shift, end + shift) for start, end in sentences],
    )


def _overlapping(tokens: Float32, bounds: Any, spans: Sequence[Span]) -> list[Float32]:
    """Give each span's tokens: those of which it holds a part. Tokens stand in the order of the text."""
    starts, ends = np.array(spans).reshape(-1, 2).T
    firsts = np.searchsorted(bounds[:, 1], starts, side="right").tolist()
    lasts = np.searchsorted(bounds[:, 0], ends, side="left").tolist()
    return [tokens[first:last] for first, last in zip(firsts, lasts, strict=True)]
