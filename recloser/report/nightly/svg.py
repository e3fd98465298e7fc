"""Pictures on the page: bars drawn here, and pictures of other rooms, taken apart and put together again.

A picture from elsewhere is trusted no more than any other text: of its elements and attributes only those that draw
are kept, so that nothing in it can run, be fetched or lead away.
"""

import re
from dataclasses import dataclass
from itertools import accumulate
from xml.etree import ElementTree as ET

from markupsafe import Markup

from recloser.report.nightly.blocks import Bar, Picture, Plot
from recloser.report.nightly.texts import one_line, shown

_STEP, _WIDTH, _HEIGHT = 10, 8, 100
_LEAST = 4
"""Of a part that is not nothing: one failure among 10,000 tests is still seen."""
_ELEMENTS = frozenset({"svg", "g", "line", "polyline", "polygon", "circle", "rect", "text", "path", "title"})
_ATTRIBUTES = frozenset(
    {"viewBox", "role", "class", "x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r", "width", "height", "points", "d"}
    | {"fill", "stroke", "stroke-width", "stroke-dasharray", "text-anchor", "opacity"}
)
_HARMLESS = re.compile(r"[\w\s.,#%+-]*")  # no address, no function, no declaration
_DEEPEST = 8
"""Elements within elements; ours need three."""
_SPACE = "{http://www.w3.org/2000/svg}"


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture that is safe to place, and what it shows in words."""

    caption: str
    svg: Markup


def draw_bars(plot: Plot) -> Markup:
    """Draw the bars of a plot, stretched to whatever room they are given."""
    tallest = max((sum(size for _, size in bar.parts) for bar in plot.bars), default=0.0) or 1.0
    bars = Markup("").join(_bar(place, bar, tallest) for place, bar in enumerate(plot.bars))
    return Markup(
        '<svg class="bars" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>'
    ).format(len(plot.bars) * _STEP, _HEIGHT, f"{plot.title}, {plot.first} to {plot.last}: {plot.top}", bars)


def _bar(place: int, bar: Bar, tallest: float) -> Markup:
    edges = [0.0, *accumulate((_tall(size, tallest) for _, size in bar.parts))]
    rect = Markup('<rect x="{}" y="{}" width="{}" height="{}" class="{}"/>')
    parts = [
        rect.format(place * _STEP + 1, _number(_HEIGHT - min(top, _HEIGHT)), _WIDTH, _number(top - low), kind)
        for (kind, size), low, top in zip(bar.parts, edges, edges[1:], strict=False)
        if size
    ]
    return Markup("<g><title>{}</title>{}</g>").format(one_line(bar.label), Markup("").join(parts))


def _tall(size: float, tallest: float) -> float:
    return max(_HEIGHT * size / tallest, _LEAST) if size else 0.0


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def redraw(picture: Picture) -> Drawn | None:
    """A picture with nothing left in it but shapes and words; None where it is none."""
    if "<!" in picture.svg or "<?" in picture.svg:  # no entities, no second document
        return None
    try:
        root = ET.fromstring(picture.svg)  # noqa: S314 - it declares nothing that could grow
    except (ET.ParseError, ValueError):
        return None
    if _name(root) != "svg":
        return None
    return Drawn(one_line(root.get("aria-label") or picture.title), _copied(root, 1))


def _copied(element: ET.Element, depth: int) -> Markup:
    name = _name(element)
    if name not in _ELEMENTS or depth > _DEEPEST:
        return Markup("")
    kept = Markup("").join(
        Markup(' {}="{}"').format(key, shown(value))
        for key, value in element.attrib.items()
        if (key in _ATTRIBUTES and _HARMLESS.fullmatch(value)) or key == "aria-label"
    )
    inner = Markup("").join(_copied(child, depth + 1) for child in element)
    said = element.text or "" if name in {"text", "title"} else ""
    return Markup("<{0}{1}>{2}{3}</{0}>").format(name, kept, shown(said), inner)


def _name(element: ET.Element) -> str:
    return str(element.tag).removeprefix(_SPACE)
