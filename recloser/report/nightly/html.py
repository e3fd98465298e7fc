"""The page as one HTML file that needs nothing else: no script, no request, from disk, on a phone."""

from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from recloser.report.nightly.limits import PAGE, within
from recloser.report.nightly.page import night_of
from recloser.report.nightly.svg import draw_bars, redraw
from recloser.report.nightly.texts import one_line, shown
from recloser.values import CycleReport

MOST_BYTES = 2_000_000
"""Of a page: more is slow to open on a phone, and too much for a message."""


def nightly_html(report: CycleReport) -> str:
    """A night as one HTML page, the verdict in its first screen.

    Args:
        report: All that is said of the night, texts hostile or not.

    Returns:
        A page of at most 2 MB; where a night would fill more, less of it is shown, and how much less is said.
    """
    return within(MOST_BYTES, PAGE, lambda limits: _template().render(night=night_of(report, limits)))


def line_of(value: object) -> str | Markup:
    """What the template may print: markup of ours as it is, any other text as one harmless line."""
    return value if isinstance(value, Markup) else one_line(str(value))


def lines_of(text: str) -> Markup:
    """A text with its lines as they are."""
    return Markup.escape(shown(text))


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("recloser.report"),
        undefined=StrictUndefined,
        finalize=line_of,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["lines"] = lines_of
    style = files("recloser.report").joinpath("templates/nightly.css").read_text(encoding="utf-8")
    digest = b64encode(sha256(style.encode()).digest()).decode()
    environment.globals.update(
        draw_bars=draw_bars,
        redraw=redraw,
        style=Markup(style),  # noqa: S704 - ours
        style_hash=Markup(f"sha256-{digest}"),  # noqa: S704 - nothing but base64
    )
    return environment.get_template("nightly.html.j2")
