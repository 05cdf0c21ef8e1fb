"""Sentences, list items and table rows."""

from __future__ import annotations

import random

import pytest
import sentencex
from hypothesis import given, settings
from hypothesis import strategies as st

from qa.errors import ReadError
from qa.text.segmentation import sentences
from qa.text.segmentation.sentences import (
    _LONG_SENTENCE,
    _SHORTEST_CLAUSES,
    _cut,
    check_count,
    split_sentences,
)
from qa.types import Span

_SENTENCES = [
    *(
        "He went home.",
        "Mr. Smith met Dr. Jones at 5 p.m. in Hanoi.",
        "“It is late,” he said.",
        "Why? Who knows!",
    ),
    *(
        "It cost 3.5 million (see p. 4).",
        "They said: “We go. We come back.” And left.",
        "Yes.",
        "The U.S. did it.",
    ),
    "Rice was sold in the port, and so was fish, and nobody asked (as they had before) what either had cost.",
]


def _texts(text: str) -> list[str]:
    return [span.slice(text) for span in split_sentences(text, Span(0, len(text)), "en")]


def test_a_table_row_is_a_sentence() -> None:
    text = "Year | Tons\n2017 | 300\n2018 | 451"
    assert _texts(text) == text.split("\n")


def test_a_list_item_is_a_sentence_even_over_two_lines() -> None:
    text = "They sold\n1) rice, which is\ngrown in the north\n2) fish"
    assert _texts(text) == ["They sold", "1) rice, which is\ngrown in the north", "2) fish"]


def test_sentences_of_hard_wrapped_text_cross_the_lines() -> None:
    text = "The envoy spoke\nin Phnom Penh. He named\nfigures."
    assert _texts(text) == ["The envoy spoke\nin Phnom Penh.", "He named\nfigures."]


def test_abbreviations_do_not_end_sentences() -> None:
    text = "Mr. Smith met Dr. Jones at 5 p.m. in Hanoi. They talked."
    assert len(_texts(text)) == 2


@given(st.integers())
@settings(max_examples=20)
def test_a_long_paragraph_has_the_sentences_that_a_single_pass_gives(seed: int) -> None:
    text = " ".join(random.Random(seed).choices(_SENTENCES, k=300))
    expected = [boundary["text"].strip() for boundary in sentencex.get_sentence_boundaries("en", text)]
    assert _texts(text) == expected


@given(st.integers(0, 40), st.integers(0, 40))
def test_offsets_refer_to_the_whole_text(before: int, after: int) -> None:
    text = "x" * before + "He went home. She did not." + "y" * after
    first, second = split_sentences(text, Span(before, before + 26), "en")
    assert (first.slice(text), second.slice(text)) == ("He went home.", "She did not.")


_MARKED = {
    "zh": ["大米在港口出售。", "价格上涨了！", "为什么？"],
    "ja": ["米は港で売られた。", "高かった！", "なぜですか？"],
    "ko": ["쌀은 항구에서 팔렸다.", "값이 올랐다.", "왜 그럴까?"],
    "hi": ["चावल बिका।", "दाम बढ़ा।", "क्यों?"],
    "ar": ["هل بيع الأرز؟", "نعم بيع.", "ارتفع السعر."],
    "ur": ["چاول بکا۔", "قیمت بڑھی۔", "کیوں؟"],
    "hy": ["Բրինձը վաճառվեց։", "Գինը բարձրացավ։"],
    "am": ["ሩዝ ተሸጠ።", "ዋጋው ጨመረ።", "ለምን፧"],
    "my": ["ဆန်ရောင်းသည်။", "ဈေးတက်သည်။"],
    "km": ["អង្ករត្រូវបានលក់។", "តម្លៃបានកើនឡើង៕", "គេលក់ស្រូវ អង្ករ ត្រី ។ល។", "ហេតុអ្វី?"],
}


@pytest.mark.parametrize("code", _MARKED)
@pytest.mark.parametrize("known", [True, False])
def test_the_marks_of_each_script_end_sentences(code: str, *, known: bool) -> None:
    text = " ".join(_MARKED[code])
    spans = split_sentences(text, Span(0, len(text)), code if known else None)
    assert [span.slice(text) for span in spans] == _MARKED[code]


@pytest.mark.parametrize(
    "clause",
    [
        "ชาวนาขายข้าวที่ท่าเรือของเมืองทุกเช้า",
        "ຊາວນາຂາຍເຂົ້າຢູ່ທ່າເຮືອຂອງເມືອງທຸກເຊົ້າ",
        "កសិករលក់អង្ករនៅកំពង់ផែនៃទីក្រុងរាល់ព្រឹក",
        "လယ်သမားများသည်ဆိပ်ကမ်းတွင်ဆန်ရောင်းသည်",
        "ཞིང་པས་གྲུ་ཁར་འབྲས་འཚོང་གི་ཡོད།",
    ],
)
def test_long_sentences_of_scripts_without_full_stops_are_split_between_clauses(clause: str) -> None:
    text = " ".join([clause] * 20)
    parts = _texts(text)
    assert len(parts) > 3
    assert all(_SHORTEST_CLAUSES <= len(part) < _LONG_SENTENCE for part in parts)
    assert all(part.startswith(clause) and part.endswith(clause) for part in parts)
    assert _texts(" ".join([clause] * 3)) == [" ".join([clause] * 3)]


def test_clauses_end_beside_no_digit_sign_or_foreign_word() -> None:
    clause = "ข้าวต่าง ๆ ที่ขายในปี 2018 ที่ท่าเรือ ABC ของเมือง"
    parts = _texts(" ".join([clause.replace(" ที่ท่า", "ที่ท่า")] * 12))
    assert all(part.startswith("ข้าว") and part.endswith("เมือง") for part in parts)


@given(st.text(alphabet=["ข", "้", " ", "។", "ល", "ក", "།", "a", ".", "\n"], max_size=800))
def test_sentences_of_scripts_without_spaces_are_in_order_and_lose_no_letter(text: str) -> None:
    spans = split_sentences(text, Span(0, len(text)), None)
    end, letters = 0, ""
    for span in spans:
        assert end <= span.start <= span.end
        end = span.end
        letters += span.slice(text)
    kept = [letter for letter in letters if letter.isalpha()]
    assert kept == [letter for letter in text if letter.isalpha()]


def test_text_without_letters_is_one_sentence() -> None:
    assert split_sentences("--- ... ---", Span(0, 11), "en") == [Span(0, 11)]


def test_a_sentence_longer_than_a_window_is_cut_between_words() -> None:
    for window in ("word " * 600, "a line\n" * 500):
        place = _cut(window)
        assert window[place - 1].isspace()
        assert place <= 2_000
    assert _cut("x" * 3_000) == 2_000


def test_too_many_sentences_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sentences, "MAX_SENTENCES", 3)
    check_count(3)
    with pytest.raises(ReadError, match="has more than 3 sentences: split it"):
        _texts("It is so. It is so. It is so. It is so.")
