"""Texts typed on another layout of the keyboard."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.text.keyboard_layouts import retyped


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("Rfvgexbz", "Кампучия"),
        ("gj.n", "поют"),
        ("'nj", "это"),
        ("{jhjij", "Хорошо"),
        ("цршер", "whith"),
        ("xnj nfrjt", "что такое"),
        ("Lzre.", "Дякую"),
        ("skhjv", "σκηξω"),
        ("akuo", "שלום"),
        ("דגכ", "sdf"),
    ],
)
def test_each_layout_is_known_in_both_directions(typed: str, meant: str) -> None:
    assert meant in set(retyped(typed))


@given(st.text("абвгдеёжзийклмнопрстуфхцчшщъыьэюя АБВГДЕЖЗ", min_size=1))
def test_there_and_back_is_the_same(text: str) -> None:
    assert all(text in {text, *retyped(other)} for other in retyped(text))


@given(st.text("0123456789 !()", max_size=20))
def test_what_is_on_no_other_key_stays(text: str) -> None:
    assert list(retyped(text)) == []
