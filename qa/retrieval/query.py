"""The syntax of questions: words in quotes must stand there, ``-word`` must not, ``+word`` must."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

import regex

from qa.text.word_comparison import phrase_words
from qa.types import Phrases, Span

_CLOSING = {
    '"': '"＂“”', "＂": '"＂“”', "“": '”"＂“', "”": '”"＂“', "‟": '”"＂“', "„": '“”"＂', "«": '»"', "»": "«»",
    "‹": "›", "›": "‹›", "「": "」", "『": "』", "〝": "〞〟",
}  # fmt: skip
"""What may close each quotation mark: languages pair them in different ways, and keyboards have few."""

_SIGN = r"(?<![^\s(\[{])[-+−－＋]"
_PUNCTUATION = r"\p{Po}\p{Pd}\p{Ps}\p{Pe}\p{Pi}\p{Pf}\p{Pc}"
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_FREE = rf"(?<![^\s(\[{{{_PUNCTUATION}{_UNSPACED}]|\p{{L}}['’])"
_AND = r"(?:\b(?:und|oder|sowie|beziehungsweise|bzw\.|u\.|och|eller|og|en)|&)\s{1,3}"
_SHARED_PART = rf"(?:{_AND}|,\s{{1,3}}(?=-\p{{L}}+,?\s.*?{_AND}-\p{{Ll}}))[-−](?=\p{{Ll}})"
"""A hyphen in place of what words share: German „Personen, -organisationen und -verbände“."""
_CONDITION = regex.compile(
    rf"(?P<sign>{_SIGN})?(?P<quote>[„«‹「『〝]|(?:(?<=[-+−－＋])|{_FREE})[\"＂“”‟»›])"
    rf"|(?P<mark>{_SIGN})(?<!{_SHARED_PART})(?P<word>(?:\p{{L}}|\d{{4}}(?![\d.,]*\d))[^\s\"＂“”„‟«»‹›「」『』]*+)"
)
"""A quotation mark that may open, or a word with a sign. A mark after a letter or a digit opens nothing
(5" screen), and a number keeps its sign unless it may be a year."""
_AFTER_WORD = ".,;:!?)]}…。，、；：！？"
_MINUS = "-−－"


@dataclass(frozen=True, slots=True)
class Condition:
    """A phrase that must stand in a passage or, if excluded, must not.

    Attributes:
        span: its place in the question, with its quotation marks and its sign.
        phrase: its words.
        excluded: whether it must not stand there.
        signed: whether a sign says so. Quotation marks alone may also be those of a title or of speech.
    """

    span: Span
    phrase: str
    excluded: bool
    signed: bool


@dataclass(frozen=True, slots=True)
class Question:
    """A question, taken apart.

    Attributes:
        written: the question, without quotation marks that open nothing.
        text: what is searched: without signs and quotation marks, and without what must not stand there.
        conditions: the phrases, in order.
        absent: quotations that stand nowhere, whose words are searched instead.
    """

    written: str
    text: str
    conditions: tuple[Condition, ...] = ()
    absent: tuple[str, ...] = ()

    @property
    def required(self) -> tuple[str, ...]:
        """The phrases that must stand in a passage."""
        return tuple(condition.phrase for condition in self.conditions if not condition.excluded)

    @property
    def excluded(self) -> tuple[str, ...]:
        """The phrases that must not."""
        return tuple(condition.phrase for condition in self.conditions if condition.excluded)

    @property
    def phrases(self) -> Phrases:
        """The phrases as they are compared."""
        required, excluded = (
            tuple(dict.fromkeys(map(phrase_words, phrases))) for phrases in (self.required, self.excluded)
        )
        return Phrases(required, excluded)

    @property
    def has_only_phrases(self) -> bool:
        """Whether the question is nothing but phrases that must, or must not, stand there."""
        return bool(self.conditions) and not phrase_words(_written(self.written, self.conditions, ()))

    def with_words_of(self, absent: Collection[Condition]) -> Question:
        """Return the question with the words of some phrases, which stand nowhere, instead of these."""
        kept = tuple(condition for condition in self.conditions if condition not in absent)
        phrases = tuple(dict.fromkeys(condition.phrase for condition in absent))
        return replace(self, conditions=kept, absent=phrases)

    def without(self, condition: Condition) -> str:
        """Return the question as it is written without a condition. Words that had to stand there stay."""
        return _written(self.written, [condition], [condition] if not condition.excluded else [])

    def unquoted(self) -> str:
        """Return the question as it is written if none of its words must stand there exactly."""
        required = [condition for condition in self.conditions if not condition.excluded]
        return _written(self.written, required, required)


def parse(question: str) -> Question:
    """Take a question apart. Every text is a question.

    >>> parsed = parse('Apollo "one small step" -Brazil +Armstrong')
    >>> parsed.text, parsed.required, parsed.excluded
    ('Apollo one small step Armstrong', ('one small step', 'Armstrong'), ('Brazil',))
    """
    written, conditions = question, []
    position = 0
    while match := _CONDITION.search(written, position):
        if match["word"]:
            end = match.start("word") + len(match["word"].rstrip(_AFTER_WORD))
            phrase = written[match.start("word") : end]
        elif (close := _closing(written, match)) is not None:
            end, phrase = close + 1, written[match.end("quote") : close].strip()
        else:
            written = written[: match.start("quote")] + written[match.end("quote") :]
            position = match.start()
            continue
        sign = match["sign"] or match["mark"]
        excluded = (sign or "+") in _MINUS
        conditions.append(Condition(Span(match.start(), end), phrase, excluded, sign is not None))
        position = end
    if not conditions:
        return Question(written, written)
    required = [condition for condition in conditions if not condition.excluded]
    kept = tuple(condition for condition in conditions if phrase_words(condition.phrase))
    return Question(written, _written(written, conditions, required), kept)


def _closing(written: str, match: regex.Match[str]) -> int | None:
    """Return where the quotation that opens at a match closes."""
    places = (written.find(mark, match.end()) for mark in _CLOSING[match["quote"]])
    return min((place for place in places if place >= 0), default=None)


def _written(written: str, replaced: Collection[Condition], kept: Collection[Condition]) -> str:
    """Return a question with conditions replaced by their words, or by nothing unless they are kept."""
    return " ".join("".join(_pieces(written, replaced, kept)).split())


def _pieces(written: str, replaced: Collection[Condition], kept: Collection[Condition]) -> Iterator[str]:
    position = 0
    for condition in replaced:
        start, end = condition.span
        yield written[position:start]
        if condition in kept:
            yield condition.phrase
            if condition.phrase.isascii() and written[end : end + 1].isalnum():
                yield " "
        position = end
    yield written[position:]
