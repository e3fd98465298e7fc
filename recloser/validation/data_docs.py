"""The Data Docs of Great Expectations without their outside requests.

As built, its pages load scripts, styles and fonts from several hosts, and an image whose address carries an identifier
of the data context (upstream declined to change it: pull request 2870, issues 994 and 8734). Here every element that
would load something from elsewhere is taken out, and every link to elsewhere becomes text, before the pages get their
place. What remains is text and tables, readable without scripts.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from recloser.validation.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOADERS = re.compile(
    r"<script\b[^>]*>.*?</script\s*>|<(?:link|img|iframe|object|embed|base|source)\b[^>]*>|<meta\b[^>]*http-equiv[^>]*>",
    re.DOTALL | re.IGNORECASE,
)
_ADDRESSES = re.compile(r"(?:https?:)?//[\w.-]+\.[a-z]{2,}[^\s\"'<>)]*", re.IGNORECASE)
_IMPORTS = re.compile(r"@import[^;]*;", re.IGNORECASE)
_MARK = "recloser-data-docs"
_STYLE = (
    "<style>body{font:14px/1.5 sans-serif;margin:1em}table{border-collapse:collapse}td,th{border:1px solid #ccc;"
    "padding:.2em .5em;text-align:left}.collapse{display:block}</style>"
)


@contextmanager
def docs_folder(out: Path | None) -> Iterator[Path | None]:
    """Hand out a folder for Data Docs, and move what was built there to `out`, without what loads from elsewhere.

    Args:
        out: A folder that does not exist yet, or one that this has made; None when no docs are wanted.

    Raises:
        BadInputError: It exists and is something else, or cannot be written.
    """
    if out is None:
        yield None
        return
    if out.exists() and not (out / _MARK).is_file():
        raise BadInputError(f"{out} exists and holds no Data Docs; name another folder for them.")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=".data-docs-") as staging:
            site = Path(staging).resolve() / "site"  # Great Expectations refuses a relative one
            site.mkdir()
            yield site
            make_offline(site)
            (site / _MARK).touch()
            shutil.rmtree(out, ignore_errors=True)
            site.rename(out)
    except OSError as error:
        raise BadInputError(f"{out} cannot be written: {error.strerror or error}.") from error


def make_offline(site: Path) -> None:
    """Take every reference to another host out of the pages of a site, and the files that only scripts need."""
    for file in sorted(path for path in site.rglob("*") if path.is_file()):
        if file.suffix == ".html":
            file.write_text(_offline(file.read_text(encoding="utf-8")), encoding="utf-8")
        else:
            file.unlink()


def _offline(page: str) -> str:
    page = _IMPORTS.sub("", _LOADERS.sub("", page))
    page = _ADDRESSES.sub("", page)
    return page.replace("</head>", f"{_STYLE}</head>", 1)
