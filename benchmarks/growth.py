"""How something grows with size: the exponent of a power law, and a drawing on logarithmic axes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

import numpy as np

_WIDTH, _HEIGHT = 330, 260
_LEFT, _TOP, _RIGHT, _BOTTOM = 52, 30, 28, 36
_COLOURS = ("#1b6ca8", "#c1440e", "#3d8b37", "#7a4ea3")
_STYLE = "font-family='sans-serif' font-size='11' fill='#333'"


@dataclass(frozen=True, slots=True)
class Curve:
    """A figure at every size."""

    name: str
    values: Sequence[float]


@dataclass(frozen=True, slots=True)
class Panel:
    """Curves in one unit."""

    unit: str
    curves: Sequence[Curve]


def exponent(sizes: Sequence[int], values: Sequence[float]) -> float:
    """Return the exponent of the power law that fits best: least squares between the logarithms."""
    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0])


def draw(sizes: Sequence[int], panels: Sequence[Panel]) -> str:
    """Draw panels side by side, both axes logarithmic: an SVG."""
    width = _WIDTH * len(panels)
    parts = [part for number, panel in enumerate(panels) for part in _panel(sizes, panel, _WIDTH * number)]
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {_HEIGHT}' width='{width}' "
        f"height='{_HEIGHT}'>\n<rect width='100%' height='100%' fill='white'/>\n"
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _panel(sizes: Sequence[int], panel: Panel, x: int) -> Iterator[str]:
    values = [value for curve in panel.curves for value in curve.values]
    across = _Axis(sizes, x + _LEFT, x + _WIDTH - _RIGHT)
    up = _Axis(values, _HEIGHT - _BOTTOM, _TOP)
    yield _text(x + _LEFT, _TOP - 14, panel.unit)
    yield _text(x + _WIDTH - _RIGHT, _HEIGHT - 4, "passages", "end")
    for value in across.ticks:
        yield _line(across(value), _HEIGHT - _BOTTOM, across(value), _TOP)
        yield _text(across(value), _HEIGHT - _BOTTOM + 15, f"{value:,.0f}", "middle")
    for value in up.ticks:
        yield _line(x + _LEFT, up(value), x + _WIDTH - _RIGHT, up(value))
        yield _text(x + _LEFT - 5, up(value) + 4, f"{value:g}", "end")
    for number, (curve, colour) in enumerate(zip(panel.curves, _COLOURS, strict=False)):
        points = [(across(size), up(value)) for size, value in zip(sizes, curve.values, strict=True)]
        joined = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
        yield f"<polyline points='{joined}' fill='none' stroke='{colour}' stroke-width='2'/>"
        yield from (f"<circle cx='{a:.1f}' cy='{b:.1f}' r='3' fill='{colour}'/>" for a, b in points)
        # What grows leaves this corner free.
        yield _text(x + _LEFT + 8, _TOP + 16 + 14 * number, curve.name, colour=colour)


class _Axis:
    """Brings values of whole powers of ten onto a line."""

    def __init__(self, values: Sequence[float], start: float, end: float) -> None:
        least, most = floor(log10(min(values)) + 1e-9), ceil(log10(max(values)) - 1e-9)
        self._least, self._most = least, max(most, least + 1)
        self._start, self._end = start, end
        self.ticks = [10.0**power for power in range(self._least, self._most + 1)]

    def __call__(self, value: float) -> float:
        share = (log10(value) - self._least) / (self._most - self._least)
        return self._start + share * (self._end - self._start)


def _text(x: float, y: float, text: str, anchor: str = "start", colour: str = "#333") -> str:
    style = _STYLE.replace("#333", colour)
    return f"<text x='{x:.1f}' y='{y:.1f}' text-anchor='{anchor}' {style}>{escape(text)}</text>"


def _line(x: float, y: float, end_x: float, end_y: float) -> str:
    return f"<line x1='{x:.1f}' y1='{y:.1f}' x2='{end_x:.1f}' y2='{end_y:.1f}' stroke='#ddd'/>"
