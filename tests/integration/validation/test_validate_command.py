"""`recloser data validate | corrupt | baseline` as a person runs them: answers, exit codes, one message otherwise."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from recloser.grid import request_size, write_dataset


def recloser(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", "from flows.cli import main; main()", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good dataset in a folder."""
    folder = tmp_path_factory.mktemp("data") / "good"
    write_dataset(request_size("small", seed=93_001), folder)
    return folder


def test_a_good_dataset_is_0(good: Path) -> None:
    """Strictly, too."""
    done = recloser("data", "validate", good, "--strict", "--format", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["verdict"] == "passed"


def test_a_broken_one_is_1_and_its_control_0(good: Path, tmp_path: Path) -> None:
    """Broken by the catalogue, in files."""
    for name, code in (("C36", 1), ("C15", 0)):
        out = tmp_path / name
        assert recloser("data", "corrupt", name, good, out).returncode == 0
        page = tmp_path / f"{name}.html"
        assert recloser("data", "validate", out, "--format", "html", "--out", page).returncode == code
        assert page.read_text().startswith("<!doctype html>")
    assert "R19" in (tmp_path / "C36.html").read_text()


@pytest.mark.parametrize("damage", ["no manifest", "truncated", "not parquet", "no table", "manifest of another"])
def test_what_cannot_be_judged_is_2(good: Path, tmp_path: Path, damage: str) -> None:
    """One message, no traceback."""
    folder = tmp_path / "damaged"
    shutil.copytree(good, folder)
    node = folder / "node.parquet"
    if damage == "no manifest":
        (folder / "manifest.json").unlink()
    elif damage == "truncated":
        node.write_bytes(node.read_bytes()[:-100])
    elif damage == "not parquet":
        node.write_text("step,bus\n")
    elif damage == "no table":
        node.unlink()
    else:
        (folder / "manifest.json").write_text('{"schema_version": "1.0"}')
    done = recloser("data", "validate", folder)
    assert done.returncode == 2
    assert done.stderr.startswith("recloser: ")
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_changed_file_is_told_apart_from_changed_content(good: Path, tmp_path: Path) -> None:
    """Written anew with the same content, a file is another one: a warning, which only --strict fails."""
    folder = tmp_path / "rewritten"
    shutil.copytree(good, folder)
    pd.read_parquet(folder / "edge.parquet").to_parquet(folder / "edge.parquet", compression="gzip")
    done = recloser("data", "validate", folder)
    assert done.returncode == 0
    assert "R42" in done.stdout
    assert recloser("data", "validate", folder, "--strict").returncode == 1


def test_the_faults_are_listed() -> None:
    """All fifty, and an unknown one is refused."""
    done = recloser("data", "corrupt", "--list")
    assert len(done.stdout.splitlines()) == 50
    assert recloser("data", "corrupt", "C51", "a", "b").returncode == 2


TARGET = """
name = "meter"
[data.readings]
file = "readings.csv"
key = ["meter"]
baseline = "good.json"
[data.readings.columns]
meter = { type = "text", pattern = "M[0-9]+" }
kw = { type = "number", unit = "kW", min = 0, max = 500 }
"""


def test_a_teams_own_table_is_judged_by_its_declaration(tmp_path: Path) -> None:
    """Measured when it is good, found when it has drifted or is hostile."""
    (tmp_path / "recloser.toml").write_text(TARGET)
    readings = pd.DataFrame(
        {"meter": [f"M{number}" for number in range(900)], "kw": [float(n % 97) for n in range(900)]}
    )
    readings.to_csv(tmp_path / "readings.csv", index=False)
    assert recloser("data", "baseline", tmp_path, "--data", "readings", "--out", tmp_path / "good.json").returncode == 0
    assert recloser("data", "validate", tmp_path, "--strict").returncode == 0
    readings.assign(kw=readings["kw"] * 1.3).to_csv(tmp_path / "readings.csv", index=False)
    done = recloser("data", "validate", tmp_path)
    assert done.returncode == 0
    assert "drift" in done.stdout
    readings.loc[3, "meter"] = "=cmd|'/c calc'!A1<script>"
    readings.to_csv(tmp_path / "readings.csv", index=False)
    done = recloser("data", "validate", tmp_path, "--data", "readings", "--format", "html")
    assert done.returncode == 1
    assert "<script" not in done.stdout


def test_a_declaration_that_cannot_be_is_2(tmp_path: Path) -> None:
    """It names what is wrong with it."""
    wrong = 'expectations = [{ type = "ExpectFileToBeRun" }]\n[data.readings.columns]'
    (tmp_path / "recloser.toml").write_text(TARGET.replace("[data.readings.columns]", wrong))
    (tmp_path / "readings.csv").write_text("meter,kw\nM1,1\n")
    done = recloser("data", "validate", tmp_path)
    assert done.returncode == 2
    assert "ExpectFileToBeRun" in done.stderr
    assert recloser("data", "validate", tmp_path, "--data", "other").returncode == 2
