"""Place a page into its template."""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from recloser.report.markdown import Markdown, escape_inline
from recloser.report.page import page_of
from recloser.values import Incident


def render_markdown(incident: Incident) -> str:
    """The incident as a Markdown report, in the order a person needs it."""
    return _template().render(page=page_of(incident))


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("recloser.report"),
        undefined=StrictUndefined,
        finalize=as_markdown,
        autoescape=True,  # lets `Markdown` through; nothing else gets past `finalize`
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("incident.md.j2")


def as_markdown(value: object) -> Markdown:
    """What a template may print: Markdown as it is, anything else escaped."""
    return value if isinstance(value, Markdown) else escape_inline(str(value))
