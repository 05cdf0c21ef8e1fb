"""What was meant by a text that was typed while the keyboard was set to another layout."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

_KEYS = """`qwertyuiop[]asdfghjkl;'zxcvbnm,./"""
_SHIFTED = """~QWERTYUIOP{}ASDFGHJKL:"ZXCVBNM<>?"""
_OTHERS = (
    "ёйцукенгшщзхъфывапролджэячсмитьбю.",  # Russian
    "'йцукенгшщзхїфівапролджєячсмитьбю.",  # Ukrainian
    "`;ςερτυθιοπ[]ασδφγηξκλ΄'ζχψωβνμ,./",  # Greek
    ";/'קראטוןםפ][שדגכעיחלךף,זסבהנמצתץ.",  # Hebrew
)
"""The signs of the same keys, in the same order, on other layouts that are used beside the English one."""


def _layouts() -> Iterator[Mapping[int, str]]:
    for other in _OTHERS:
        # Without capitals, a letter is the same with and without the shift key.
        shifted = {key: sign.upper() for key, sign in zip(_SHIFTED, other, strict=True) if sign.isalpha()}
        there = dict(zip(_KEYS, other, strict=True)) | shifted
        back = {sign: key for key, sign in there.items() if sign.isalpha()}
        back |= {sign: key for key, sign in zip(_KEYS, other, strict=True) if sign.isalpha()}
        yield {ord(key): sign for key, sign in there.items()}
        yield {ord(sign): key for sign, key in back.items()}


_LAYOUTS = tuple(_layouts())


def retyped(text: str) -> Iterator[str]:
    """Yield what a text would be if the keyboard had been set to each other layout.

    >>> "привет, мир" in set(retyped("ghbdtn? vbh")), "microsoft" in set(retyped("ьшскщыщае"))
    (True, True)
    """
    for layout in _LAYOUTS:
        if (other := text.translate(layout)) != text:
            yield other
