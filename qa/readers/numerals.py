"""The marks of list items: bullets, and numbers as letters and numerals write them."""

from __future__ import annotations

BULLET = "•"

_ROMAN = (
    *((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl")),
    *((10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")),
)
_MAX_ROMAN = 4_000
_RUSSIAN = "абвгдежзиклмнопрстуфхцчшщэюя"


def write_number(number: int, form: str) -> str:
    """Write a number in a form that has Word's name for it, such as ``lowerRoman``.

    >>> write_number(4, "upperRoman"), write_number(28, "lowerLetter"), write_number(7, "decimalZero")
    ('IV', 'bb', '07')
    """
    if form in {"lowerLetter", "upperLetter", "russianLower", "russianUpper"} and number > 0:
        letters = "abcdefghijklmnopqrstuvwxyz" if form.endswith("Letter") else _RUSSIAN
        turn, place = divmod(number - 1, len(letters))
        written = letters[place] * min(turn + 1, 20)
        return written.upper() if form.startswith("upper") or form.endswith("Upper") else written
    if form in {"lowerRoman", "upperRoman"} and 0 < number < _MAX_ROMAN:
        written = ""
        for value, letter in _ROMAN:
            count, number = divmod(number, value)
            written += letter * count
        return written.upper() if form == "upperRoman" else written
    return f"{number:02}" if form == "decimalZero" else str(number)
