"""Charts as SVG, drawn from numbers alone: nothing is fetched, nothing is scripted, every text is escaped."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Iterable

    from recloser.validation.findings import Chart, Series

_WIDTH, _HEIGHT = 640, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 84, 16, 14, 46
_PENS = (("#1f5fa8", "none"), ("#b8500f", "7 3"), ("#2c7a4b", "2 3"), ("#7b3fa0", "9 3 2 3"))
"""Colours and dashes: lines are told apart without colour, too."""
_ROW, _ABREAST = 24, 2
"""Of the legend: pixels a row, and names in it."""
_SAMPLE = Markup('<line x1="{}" y1="{}" x2="{}" y2="{}" stroke="{}" stroke-width="3" stroke-dasharray="{}"/>')
_NAME = Markup('<text x="{}" y="{}">{}</text>')
_TICKS = 4
_THOUSAND = 1000
_TINY = 1e-300


@dataclass(frozen=True)
class _Axis:
    """A scale from values to pixels."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def at(self, value: float) -> float:
        """Where a value is drawn; what lies beyond the axis is drawn at its end."""
        low, high, value = (self._scaled(number) for number in (self.low, self.high, value))
        share = (value - low) / (high - low) if high > low else 0.5
        return round(self.start + min(max(share, 0.0), 1.0) * (self.end - self.start), 1)

    def ticks(self) -> list[float]:
        """Values to be named."""
        if self.logarithmic:
            first, last = math.floor(self._scaled(self.low)), math.ceil(self._scaled(self.high))
            every = max(1, math.ceil((last - first) / _TICKS))
            return [10.0**power for power in range(first, last + 1, every)]
        return [self.low + (self.high - self.low) * i / _TICKS for i in range(_TICKS + 1)]

    def _scaled(self, value: float) -> float:
        return math.log10(max(value, _TINY)) if self.logarithmic else value


def draw(chart: Chart) -> Markup:
    """Draw a chart as an SVG element that fits the width it is given."""
    values = [value for series in chart.series for value in series.y if value is not None]
    values += [*chart.low, *chart.high] or ([0.0] if chart.bars else [])
    if chart.bars:
        values.append(0.0)
    if not values or not chart.x:
        return Markup('<p class="note">there is nothing to draw</p>')
    y = _Axis(min(values), max(values), _HEIGHT - _BOTTOM, _TOP, chart.logarithmic)
    x = _Axis(min(chart.x), max(chart.x), _LEFT, _WIDTH - _RIGHT)
    parts = [*_grid(x, y, chart), *_band(chart, x, y), *_legend(chart)]
    for number, series in enumerate(chart.series):
        pen = _PENS[number % len(_PENS)]
        parts += _bars(chart, series, x, y, pen) if chart.bars else _lines(chart, series, x, y, pen)
    height = _HEIGHT + 4 + _ROW * math.ceil(len(chart.series) / _ABREAST)
    return Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        _WIDTH, height, chart.title, Markup("").join(parts)
    )


def _legend(chart: Chart) -> list[Markup]:
    """The names of a chart's lines, inside the picture: it is shown on pages that know nothing of it."""
    parts = []
    for number, series in enumerate(chart.series):
        colour, dashes = _PENS[number % len(_PENS)]
        row, place = divmod(number, _ABREAST)
        x, y = _LEFT + place * (_WIDTH - _LEFT) // _ABREAST, _HEIGHT + row * _ROW + _ROW - 4
        parts += [_SAMPLE.format(x, y - 5, x + 28, y - 5, colour, dashes), _NAME.format(x + 36, y, series.name)]
    return parts


def _grid(x: _Axis, y: _Axis, chart: Chart) -> list[Markup]:
    line = Markup('<line x1="{}" y1="{}" x2="{}" y2="{}" class="g"/>')
    text = Markup('<text x="{}" y="{}" text-anchor="{}">{}</text>')
    parts = []
    for value in y.ticks():
        parts += [line.format(_LEFT, y.at(value), _WIDTH - _RIGHT, y.at(value))]
        parts += [text.format(_LEFT - 6, y.at(value) + 4, "end", _said(value))]
    parts += [text.format(x.at(value), _HEIGHT - _BOTTOM + 19, "middle", f"{value:.0f}") for value in x.ticks()]
    parts.append(text.format((_LEFT + _WIDTH) / 2, _HEIGHT - 3, "middle", f"{chart.x_name}  ({chart.y_name} upwards)"))
    return parts


def _said(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= _THOUSAND else f"{value:.3g}"


def _band(chart: Chart, x: _Axis, y: _Axis) -> list[Markup]:
    if not chart.low:
        return []
    there = [f"{x.at(at)},{y.at(value)}" for at, value in zip(chart.x, chart.high, strict=True)]
    back = [f"{x.at(at)},{y.at(value)}" for at, value in zip(chart.x, chart.low, strict=True)]
    return [Markup('<polygon points="{}" class="band"/>').format(" ".join([*there, *reversed(back)]))]


def _lines(chart: Chart, series: Series, x: _Axis, y: _Axis, pen: tuple[str, str]) -> list[Markup]:
    pairs = zip(chart.x, series.y, strict=True)
    pieces = [list(piece) for known, piece in groupby(pairs, key=lambda pair: pair[1] is not None) if known]
    line = Markup('<polyline points="{}" fill="none" stroke="{}" stroke-width="1.5" stroke-dasharray="{}"/>')
    dot = Markup('<circle cx="{}" cy="{}" r="2" fill="{}"/>')
    return [
        line.format(_points(piece, x, y), *pen)
        if len(piece) > 1
        else dot.format(x.at(piece[0][0]), y.at(piece[0][1] or 0.0), pen[0])
        for piece in pieces
    ]


def _bars(chart: Chart, series: Series, x: _Axis, y: _Axis, pen: tuple[str, str]) -> list[Markup]:
    width = max(1.0, min(24.0, (_WIDTH - _LEFT - _RIGHT) / max(len(chart.x), 1) * 0.8))
    bar = Markup('<rect x="{}" y="{}" width="{}" height="{}" fill="{}"/>')
    floor = y.at(0.0)
    return [
        bar.format(round(x.at(at) - width / 2, 1), y.at(value), round(width, 1), round(floor - y.at(value), 1), pen[0])
        for at, value in zip(chart.x, series.y, strict=True)
        if value
    ]


def _points(pairs: Iterable[tuple[float, float | None]], x: _Axis, y: _Axis) -> str:
    return " ".join(f"{x.at(at)},{y.at(value)}" for at, value in pairs if value is not None)
