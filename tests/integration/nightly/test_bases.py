"""Good code beside tonight's: what cannot be tried there is said, and nothing of it is left."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from recloser.nightly.bases import Bases
from recloser.target import load_system
from recloser.values import CodeState, Probe, ProbeKind
from tests.unit.nightly.nights import cycle

if TYPE_CHECKING:
    from collections.abc import Callable

WEB = Path(__file__).parents[1] / "services" / "web.py"
_PROBE = Probe(kind=ProbeKind.CONFIRM_BASE, suite="e2e", tests=("t",), runs=1, expected_s=1, reason="it failed")
_TARGET = f"""
name = "little"

[services.store]
command = ["{{python}}", "-S", "{WEB}", "{{port}}"]
port = 4001
url_env = "STORE_URL"

[services.api]
command = ["{{python}}", "-S", "{WEB}", "{{port}}"]
port = 4002
url_env = "API_URL"
needs = ["store"]

[suites.e2e]
command = ["{{python}}", "-m", "pytest"]
needs = ["api"]
"""


@pytest.fixture
def bases(tmp_path: Path) -> Callable[..., Bases]:
    """Those of a target whose last good night was on code with this declaration."""

    def made(declared: str, **code: object) -> Bases:
        folder = tmp_path / "target"
        folder.mkdir()
        (folder / "recloser.toml").write_text(declared)
        git = ("git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@example.org")
        for arguments in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "good")):
            subprocess.run([*git, *arguments], check=True)
        commit = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
        (folder / "recloser.toml").write_text(_TARGET)
        good = CodeState.model_validate({"tree": "before", "commit": commit} | code)
        greens = [cycle(1).model_copy(update={"code": good})]
        return Bases(load_system(folder), cycle(2), greens, tmp_path / "night")

    return made


def test_services_of_the_base_run_beside_those_of_tonight(bases: Callable[..., Bases]) -> None:
    """They listen on other ports, their users are told where, and they end with the questions."""
    with bases(_TARGET) as tried:
        base = tried.at(_PROBE)
        assert base is not None
        assert base.needs == ("store", "api")
        told = base.environment()
        url = told["API_URL"]
        assert url != "http://127.0.0.1:4002"
        assert "STORE_URL" not in told  # nor is the suite told of it tonight
        assert told["PYTHONPATH"].startswith(str(base.folder))
        assert str(base.folder) in httpx.get(url).text  # it runs that code
        assert tried.at(_PROBE) == base
    assert tried.notes == ()
    assert not base.folder.exists()
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("{port}", "4001", "service store runs on one port only: fill in `{port}` for that"),
        ('url_env = "API_URL"', "", "service api runs on one port only"),
        (
            f'"{WEB}", "{{port}}"]\nport = 4002',
            f'"{WEB}", "{{port}}", "--say", "on :4001"]\nport = 4002',
            "written out",
        ),
        ("services.api", "services.other", "suites.e2e needs 'api', which is not among the services"),
        ('"-S", ', '"-c", "raise SystemExit(3)", ', "service store is not up there: crash loop"),
        ("name = ", "name ", "is not valid TOML"),
    ],
)
def test_what_cannot_run_there_is_said(bases: Callable[..., Bases], old: str, new: str, said: str) -> None:
    """The suite is not tried at the base, and the page can say why; once, however often it is asked."""
    with bases(_TARGET.replace(old, new)) as tried:
        assert tried.at(_PROBE) is None
        assert tried.at(_PROBE) is None
    (note,) = tried.notes
    assert note.startswith("base: suite e2e was not tried at it: ")
    assert said in note


def test_code_in_no_commit_is_no_base(bases: Callable[..., Bases]) -> None:
    """A good night on a dirty tree leaves nothing that could be checked out."""
    with bases(_TARGET, dirty=True) as tried:
        assert tried.at(_PROBE) is None
    assert "was green on code that is in no commit" in tried.notes[0]
