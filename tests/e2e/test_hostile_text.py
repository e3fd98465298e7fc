"""A job that prints what an enemy would print, through a whole heal: it is shown as text and does nothing else."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from recloser.values import Verdict
from tests.e2e.conftest import report_of
from tests.e2e.test_terminal import RECLOSER, Terminal
from tests.unit.report.parsed import ATTACKS, PLAIN, block_types, headings, inlines

if TYPE_CHECKING:
    from tests.e2e.conftest import Optimo

pytestmark = pytest.mark.sandbox

MIB = 2**20
LONG_LINES = 3
# Of the daemon, whatever is printed: an unfinished line and a call of PutLogEvents, in a few copies.
BOUND_MIB = 24

TERMINAL = (
    "\x1b]0;owned\x07\x1b]52;c;b3duZWQ=\x07\x1b]8;;http://evil/owned\x1b\\owned\x1b[2J\x1b[5;31;47mowned\x9b31mowned"
)
MARKUP = "[bold red]owned[/bold red] [link=http://evil/owned]owned[/link] [/] :warning:"
PAGE = "<script>owned()</script><img src=x onerror=owned()> ![owned](http://evil/owned.png) [owned](javascript:owned())"
SHELL = "'; touch owned; $(touch owned) `touch owned` && touch owned | touch owned > owned"
FAKE = 'Traceback (most recent call last):\n  File "/app/owned.py", line 1, in <module>\nOwnedError: owned'
LINES = [
    *(text.encode(errors="surrogatepass") for text in (*ATTACKS, TERMINAL, MARKUP, PAGE, SHELL, FAKE)),
    b"nul \x00 and bell \x07 and back \x08\x08\x08 and return \rowned",
    b"no UTF-8: \xff\xfe\xc3\x28 \xed\xa0\x80 \xf0\x28\x8c\x28",
]
SCRIPT = """
import base64, json, os, sys
out = sys.stdout.buffer
for number in range({long_lines}):
    for _ in range(10):
        out.write(b"owned " * 174_763)
    out.write(b"\\n")
for line in json.loads(os.environ["LINES"]):
    out.write(base64.b64decode(line) + b"\\n")
out.flush()
raise ValueError(os.environ["LAST"])
"""
LAST = f"{PAGE} {TERMINAL} {MARKUP} {SHELL} | a | b | # owned"
# What a screen is drawn with: colours, cursor movements, erasing; `?25` shows and hides the cursor.
DRAWING = re.compile(r"\x1b\[(?:\?25[hl]|\d*[ABCDGK]|[\d;]*m)|\r")


def hostile(optimo: Optimo) -> None:
    """Let the job print all of it, and fail."""
    batch: Any = optimo.sandbox.client("batch")
    healthy = batch.describe_job_definitions(jobDefinitionName="optimo", status="ACTIVE")["jobDefinitions"][0]
    container = healthy["containerProperties"]
    lines = json.dumps([base64.b64encode(line).decode() for line in LINES])
    container["environment"] += [{"name": "LINES", "value": lines}, {"name": "LAST", "value": LAST}]
    container["command"] = ["python", "-c", SCRIPT.format(long_lines=LONG_LINES)]
    batch.register_job_definition(jobDefinitionName="optimo", type="container", containerProperties=container)


def assert_plain(markdown: str) -> None:
    """Markdown from our template and nothing else: text, code, tables, our own headings."""
    assert {token.type for line in inlines(markdown) for token in line} <= PLAIN | {"softbreak", "em_open", "em_close"}
    assert "html_block" not in block_types(markdown)
    assert not [heading for heading in headings(markdown) if "owned" in heading]


def assert_quiet(text: str) -> None:
    """No character that steers a terminal or hides what is read; line ends and tabs may be."""
    assert not re.findall("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\ud800-\udfff]", text)


def test_it_is_only_text_in_reports_artifacts_and_json(optimo: Optimo, tmp_path: Path) -> None:
    """Report, artifacts, JSON, notes and store hold it as plain text; no shell ran it; the daemon stayed small."""
    hostile(optimo)
    daemon = Path(f"/proc/{optimo.sandbox.sandbox.status().record.daemon.pid}")
    before = _peak_mib(daemon, anew=True)
    run = optimo.heal("--verbose")
    assert run.incident.verdict is Verdict.LOCKED_OUT
    assert len(run.incident.attempts) == 1
    assert _peak_mib(daemon) - before < BOUND_MIB
    assert "owned" in run.stdout
    for text in (run.stdout, run.stderr):
        assert_quiet(text)
    for text in _texts(json.loads(run.stdout)):
        assert_quiet(text)
        assert len(text) <= 10_000
    markdown, document = report_of(optimo.home, run.incident)
    assert document == json.loads(run.stdout)
    assert "owned" in markdown
    assert_plain(markdown)
    assert_quiet(markdown)
    for artifact in _artifacts():
        assert_quiet("".join(_texts(artifact)))
        if isinstance(artifact, str) and artifact.startswith("#"):
            assert_plain(artifact)
    assert [*tmp_path.rglob("owned*"), *Path.cwd().glob("owned*")] == []


def test_it_does_not_draw_on_the_terminal(optimo: Optimo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The live line and the summary show it; what draws is Recloser's own."""
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    hostile(optimo)
    terminal = Terminal(RECLOSER, "heal", str(optimo.folder), home=tmp_path / "prefect")
    terminal.until("LOCKED-OUT")
    assert terminal.wait() == 1
    assert "[bold red]owned[/bold red]" in re.sub(r"\s+", " ", DRAWING.sub("", terminal.screen))
    assert "5;31;47" not in terminal.screen
    assert_quiet(DRAWING.sub("", terminal.screen))


def _peak_mib(process: Path, *, anew: bool = False) -> float:
    """The most memory the process has held, since it was asked `anew`."""
    if anew:
        (process / "clear_refs").write_text("5")
    (line,) = (line for line in (process / "status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024 / MIB


def _texts(document: Any) -> list[str]:
    """Every text in a document, keys included."""
    if isinstance(document, dict):
        return [text for pair in document.items() for one in pair for text in _texts(one)]
    if isinstance(document, list):
        return [text for one in document for text in _texts(one)]
    return [document] if isinstance(document, str) else []


def _artifacts() -> list[Any]:
    from prefect.client.orchestration import get_client  # noqa: PLC0415

    with get_client(sync_client=True) as client:
        found = client.read_artifacts(limit=200)
    assert {artifact.key for artifact in found} >= {"incident", "attempts", "changes", "heal-progress"}
    return [artifact.data for artifact in found]
