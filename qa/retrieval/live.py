"""The searcher over the live generation, opened again when another one is published."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from qa.config import Settings
from qa.embedding.export.encoder import LoadedTokenizer
from qa.embedding.loading import open_encoder
from qa.embedding.model_protocols import Encoder, Reader, Reranker
from qa.embedding.reader import load_reader
from qa.embedding.reranker import load_reranker
from qa.errors import CorruptIndexError, ModelError, QAError
from qa.index import generation
from qa.retrieval.calibration import fitting
from qa.retrieval.searcher import Searcher
from qa.stores.protocol import Corpus
from qa.stores.publication import publications

_CHECKED_FIRST = 2**27
"""An index of at most so many bytes is verified before it answers, a larger one while it answers. Chosen: to
hash so much takes a fraction of a second."""


def load_tokenizer(settings: Settings) -> LoadedTokenizer | None:
    """Load the tokenizer of the live generation on this machine, for processes that are forked to share.

    Nothing else is loaded, and no thread is started. Without such a generation, or a tokenizer that can be
    shared, return None: each process then loads its own, and reports what is wrong.
    """
    try:
        return LoadedTokenizer.load(generation.current(settings.index) / generation.ENCODER)
    except QAError:
        return None


def encoder_of(corpus: Corpus, loaded: LoadedTokenizer | None = None, cache: Path | None = None) -> Encoder:
    """Open the model that a generation was built with.

    Args:
        corpus: the generation.
        loaded: a tokenizer to share, if it is that of the model.
        cache: the folder of unpacked models; that of the default settings if None.

    Raises:
        ModelError: the model cannot be loaded, or has changed.
    """
    encoder = open_encoder(corpus.manifest.model, corpus.encoder, loaded=loaded, cache=cache)
    return _same_model(corpus, encoder)


def _same_model(corpus: Corpus, encoder: Encoder) -> Encoder:
    if encoder.fingerprint != corpus.manifest.made_with["encoder"]:
        raise ModelError(
            f"the model {corpus.manifest.model!r} has changed since the index was built: run `qa index`"
        )
    return encoder


class LiveSearcher:
    """Keeps a ``Searcher`` over the live generation, and one encoder for as long as it fits."""

    def __init__(
        self,
        settings: Settings,
        load: Callable[[Corpus], Encoder] | None = None,
        *,
        load_reranker: Callable[[str], Reranker] = load_reranker,
        load_reader: Callable[[str, Path], Reader] = load_reader,
    ) -> None:
        self._settings = settings
        self._load = load or partial(encoder_of, cache=settings.cache)
        self._load_reranker = load_reranker
        self._load_reader = load_reader
        self._lock = threading.Lock()
        self._encoder: Encoder | None = None
        self._reranker: Reranker | None = None
        self._reader: Reader | None = None
        self._published = publications(settings)
        self._corpus: Corpus | None = None
        self._searcher: Searcher | None = None
        self._opened: tuple[str, bytes | None] | None = None
        self._seen: Any = None
        self._damaged: dict[str, str] = {}

    def current(self) -> Searcher:
        """Return the searcher over the live generation, opened again if that or its calibration changed.

        Raises:
            IndexUnavailableError: there is no generation, it or its calibration is damaged, or its store does
                not respond.
            ModelError: the model, the reranker or the reader cannot be loaded, or the model has changed since
                the build.
        """
        searcher, seen = self._searcher, self._published.stamps()
        if searcher is not None and seen == self._seen and searcher.info.generation not in self._damaged:
            return searcher
        with self._lock:
            while True:
                seen, live = self._published.stamps(), self._published.live()
                try:
                    if self._searcher is None or live != self._opened:
                        self._searcher, self._opened = self._open(*live), live
                    self._refuse_damaged(live[0])
                except CorruptIndexError:
                    if live == self._published.live():
                        raise
                    continue  # another one was published meanwhile, and this one may have been removed
                self._seen = seen
                return self._searcher

    def _open(self, name: str, stored: bytes | None) -> Searcher:
        corpus = self._corpus
        if corpus is None or corpus.manifest.generation != name:
            corpus = self._published.open(name)
            self._check(corpus)
        encoder = self._fitting_encoder(corpus)
        measured = fitting(stored, self._settings.index, corpus.manifest)
        self._corpus = corpus
        calibration = measured.calibration if measured else None
        return Searcher(corpus, encoder, self._warm_reranker(), calibration, self._warm_reader())

    def _check(self, corpus: Corpus) -> None:
        """Verify a generation's checksums: now if it is small, while it answers if it is large."""
        if sum(facts["bytes"] for facts in corpus.manifest.files.values()) <= _CHECKED_FIRST:
            self._note_damage(corpus)
        else:
            threading.Thread(target=self._note_damage, args=(corpus,), daemon=True).start()

    def _refuse_damaged(self, name: str) -> None:
        if reason := self._damaged.get(name):
            raise CorruptIndexError(reason)  # a new one each time: one that is kept would gather tracebacks

    def _note_damage(self, corpus: Corpus) -> None:
        try:
            self._published.check(corpus.manifest.generation)
        except CorruptIndexError as damage:
            self._damaged[corpus.manifest.generation] = str(damage)

    def _fitting_encoder(self, corpus: Corpus) -> Encoder:
        encoder = self._encoder
        if encoder is None or encoder.fingerprint != corpus.manifest.made_with["encoder"]:
            encoder = _same_model(corpus, self._load(corpus))
        if encoder is not self._encoder:
            encoder.encode_queries(["Is it warm?"])  # a model is loaded, and slow, the first time
            self._encoder = encoder
        return encoder

    def _warm_reranker(self) -> Reranker | None:
        if self._settings.reranker and self._reranker is None:
            reranker = self._load_reranker(self._settings.reranker)
            reranker.score("Is it warm?", ["It is."])
            self._reranker = reranker
        return self._reranker

    def _warm_reader(self) -> Reader | None:
        if self._settings.reader and self._reader is None:
            reader = self._load_reader(self._settings.reader, self._settings.cache)
            reader.read("Is it warm?", ["It is."])
            self._reader = reader
        return self._reader
