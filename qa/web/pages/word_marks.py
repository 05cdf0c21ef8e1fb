"""Where the words of a question stand in a passage, beside the sentence that answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from qa.text import terms
from qa.text.word_comparison import phrase_spans, phrase_words
from qa.types import Passage, Span
from qa.web.pages.viewer import Mark


def word_marks(passage: Passage, words: Iterable[str], phrases: Sequence[str], answer: Span) -> list[Mark]:
    """Return the marks of a passage, ordered and disjoint: the answering sentence, and words outside it.

    Args:
        passage: the passage.
        words: the question's content words; the same words in other forms are marked, too.
        phrases: what must stand there, which is marked as a whole.
        answer: the sentence that answers.
    """
    language = passage.language or passage.document.metadata.language
    languages = (language,) if language else ()
    stems = {stem for word in words for stem in terms.terms(word, languages)}
    start = passage.span.start
    spans = phrase_spans(passage.text, [phrase_words(phrase) for phrase in phrases])
    if stems:
        spans += (span for span, own in terms.words(passage.text, languages) if not stems.isdisjoint(own))
    marks = [Mark(answer, "sentence")]
    end = 0
    for span in sorted(spans):
        place = Span(start + span.start, start + span.end)
        if place.start >= end and (place.end <= answer.start or place.start >= answer.end):
            marks.append(Mark(place, "word"))
            end = place.end
    return sorted(marks)
