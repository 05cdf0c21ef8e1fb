"""The syntax of questions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.retrieval.query import parse

CASES = [
    # question, text, required, excluded
    ("Who won?", "Who won?", (), ()),
    ('"one small step"', "one small step", ("one small step",), ()),
    ("rice -Brazil?", "rice ?", (), ("Brazil",)),
    ('rice -"annual report" +Phnom', "rice Phnom", ("Phnom",), ("annual report",)),
    ('+"annual report"', "annual report", ("annual report",), ()),
    ("„erster Schritt“ und “second step” and ”third”", "erster Schritt und second step and third",
     ("erster Schritt", "second step", "third"), ()),
    ("«первый шаг» »zweiter Schritt« 「第一步」", "первый шаг zweiter Schritt 第一步",
     ("первый шаг", "zweiter Schritt", "第一步"), ()),
    ("谁写了「红楼梦」？谁写了“红楼梦”？", "谁写了红楼梦？谁写了红楼梦？", ("红楼梦", "红楼梦"), ()),
    ('What does "ABC" stand for?', "What does ABC stand for?", ("ABC",), ()),
    ('an "unclosed quote', "an unclosed quote", (), ()),
    ('-"unclosed quote', "quote", (), ("unclosed",)),
    ('empty "" and "…" quotes', "empty and … quotes", (), ()),
    ('a 5" screen and a 6" one', 'a 5" screen and a 6" one', (), ()),
    ("COVID-19, C++ and a - b + c --flag", "COVID-19, C++ and a - b + c --flag", (), ()),
    ("at -40 degrees, +1 555", "at -40 degrees, +1 555", (), ()),
    ("floods -2018", "floods", (), ("2018",)),
    ("−Brazil －巴西 ＋日本", "日本", ("日本",), ("Brazil", "巴西")),
    ("(-Brazil) -self-made.", "() .", (), ("Brazil", "self-made")),
    ("don't l'homme ’tis", "don't l'homme ’tis", (), ()),
    ("-C++", "", (), ("C++",)),
    ("Personen, -organisationen und -verbände", "Personen, -organisationen und -verbände", (), ()),
    ("Ver- bzw. −entsorgung, Jugend &  -hilfe", "Ver- bzw. −entsorgung, Jugend &  -hilfe", (), ()),
    ("lading en -lossing, rice, -port", "lading en -lossing, rice,", (), ("port",)),
    ('Personen und -Brasilien oder -"ab"', "Personen und oder", (), ("Brasilien", "ab")),
]  # fmt: skip


@pytest.mark.parametrize(("question", "text", "required", "excluded"), CASES)
def test_the_syntax(question: str, text: str, required: tuple[str, ...], excluded: tuple[str, ...]) -> None:
    parsed = parse(question)
    assert (parsed.text, parsed.required, parsed.excluded) == (text, required, excluded)


@given(st.text())
def test_every_text_is_a_question(question: str) -> None:
    parsed = parse(question)
    for condition in parsed.conditions:
        assert condition.phrase in condition.span.slice(parsed.written)
        left = parse(parsed.without(condition))
        assert len(left.conditions) <= len(parsed.conditions)
    assert parse(parsed.unquoted()).excluded == parsed.excluded or parsed.required


@given(st.text("ab'’ -+.,\"“”«»", max_size=30))
def test_quotes_and_signs_in_any_order(question: str) -> None:
    test_every_text_is_a_question.hypothesis.inner_test(question)  # type: ignore[attr-defined]


@given(
    st.lists(st.from_regex(r"[^\s\"＂“”„‟«»‹›「『〝+−－＋(\[{-][^\s\"＂“”„‟«»‹›「『〝(\[{]*", fullmatch=True))
)
def test_without_quotes_and_signs_nothing_changes(words: list[str]) -> None:
    question = " ".join(words)
    assert parse(question) == type(parse(question))(question, question)


@pytest.mark.parametrize("question", ['"rice"', '"rice" -port', "-port", '"rice"?', "+rice"])
def test_a_question_may_be_nothing_but_phrases(question: str) -> None:
    assert parse(question).has_only_phrases


@pytest.mark.parametrize("question", ["rice", 'rice "port"', "", "?"])
def test_a_question_with_words_of_its_own_is_more(question: str) -> None:
    assert not parse(question).has_only_phrases


def test_a_condition_can_be_taken_back() -> None:
    parsed = parse('ships "annual report" -Brazil +Phnom')
    assert [parsed.without(condition) for condition in parsed.conditions] == [
        "ships annual report -Brazil +Phnom",
        'ships "annual report" +Phnom',
        'ships "annual report" -Brazil Phnom',
    ]
    assert parsed.unquoted() == "ships annual report -Brazil Phnom"
