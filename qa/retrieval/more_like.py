"""The passages that may be like one: its own vector and words are asked with in place of a question."""

from __future__ import annotations

from collections.abc import Sequence, Sized
from dataclasses import replace

import numpy as np

from qa.embedding.model_protocols import Encoder
from qa.retrieval import near_duplicates
from qa.retrieval.candidates import Candidates, dense_candidates, lexical_candidates, merge
from qa.stores.protocol import Corpus
from qa.types import Mode, Query

_MORE = 10
"""So many more candidates than wanted: the passage itself and its near-duplicates are left out. Chosen."""


def candidates_like(
    corpus: Corpus,
    encoder: Encoder,
    query: Query,
    row: int,
    *,
    languages: Sequence[str],
    allowed: Sized | None = None,
) -> Candidates:
    """Find the passages that may be like one, without itself and its near-duplicates.

    Args:
        corpus: the generation.
        encoder: the generation's model.
        query: what is wanted; its question is the passage's text.
        row: the passage's row.
        languages: those of the generation, the most frequent first.
        allowed: the passages that may be found, as the corpus returned them; all if None.
    """
    wanted = query.offset + query.k + _MORE
    dense = None
    if query.mode is not Mode.LEXICAL:
        (vectors,) = encoder.encode_queries([query.question])
        (own,) = corpus.vectors(np.array([row], np.int64))
        dense = dense_candidates(corpus, replace(vectors, vector=own), wanted, allowed)
    lexical = lexical_candidates(corpus, query, wanted, languages, allowed)
    candidates = merge(query, wanted, lexical, dense)
    rows = np.concatenate([np.array([row], np.int64), candidates.rows[candidates.rows != row]])
    same = corpus.near_duplicates(rows, near_duplicates.THRESHOLD)[0]
    return replace(candidates, rows=rows[~same])
