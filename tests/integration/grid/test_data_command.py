"""`recloser data` in processes of its own: what it prints, refuses, and leaves behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from flows.cli import main
from recloser.grid import open_dataset, summarise

if TYPE_CHECKING:
    from collections.abc import Sequence

RECLOSER = str(Path(sys.executable).parent / "recloser")
GOLDEN = json.loads((Path(__file__).parents[2] / "unit/grid/golden_inputs.json").read_text())["inputs_sha256"]
TIMEOUT_S = 120
HEARING_INTERRUPTS = (
    "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
)


def run(words: Sequence[str], folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder."""
    return subprocess.run(
        words,
        cwd=folder,
        env=dict(os.environ) | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


def data(*words: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run `recloser data`."""
    return run([RECLOSER, "data", *words], folder, **variables)


def test_a_size_is_generated_and_shown(tmp_path: Path) -> None:
    """Without a word about where, it goes to a place of its own."""
    made = data("generate", "--size", "small", "--seed", "42", folder=tmp_path)
    assert made.returncode == 0, made.stderr
    assert GOLDEN["case14-50-seed42"] in made.stdout
    folder = ".recloser/data/case14-50-seed42"
    assert open_dataset(tmp_path / folder).manifest.environment.blas_threads == "1"
    shown = data("show", folder, folder=tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert "50 steps, 14 buses, 20 branches" in shown.stdout
    assert "2024-01-01T00:00:00Z to 2024-01-01T12:15:00Z" in shown.stdout
    assert f"inputs     ok  {GOLDEN['case14-50-seed42']}" in shown.stdout


def test_any_number_of_steps_in_csv_and_shown_as_json(tmp_path: Path) -> None:
    """What a script asks for."""
    made = data("generate", "--case", "30", "--steps", "7", "--format", "csv", "--out", "deep/set", folder=tmp_path)
    assert made.returncode == 0, made.stderr
    shown = json.loads(data("show", "deep/set", "--format", "json", folder=tmp_path).stdout)
    assert shown["manifest"]["outputs"]["node.csv"]["rows"] == 7 * 30
    assert all(check["ok"] for check in shown["checks"])


def test_what_was_changed_is_shown_and_ends_in_failure(tmp_path: Path) -> None:
    """For a script the exit code is the answer."""
    data("generate", "--out", "set", folder=tmp_path)
    with (tmp_path / "set" / "edge.parquet").open("ab") as file:
        file.write(b"more")
    shown = data("show", "set", folder=tmp_path)
    assert shown.returncode == 1
    assert "files      DIFFERS  changed or missing: edge.parquet" in shown.stdout
    assert "inputs     unknown  not checked" in shown.stdout


@pytest.mark.parametrize("threads", ["1", "2"])
@pytest.mark.parametrize("disabled", ["", "X86_V3 X86_V4 AVX512_ICL"])
def test_inputs_are_the_same_on_any_threads_and_processor(tmp_path: Path, threads: str, disabled: str) -> None:
    """Numpy is told to do without the vector instructions of newer processors, where it knows them."""
    variables = {"OPENBLAS_NUM_THREADS": threads, "NPY_DISABLE_CPU_FEATURES": disabled}
    words = ("generate", "--case", "118", "--steps", "1000", "--seed", "1", "--out", "set")
    made = data(*words, folder=tmp_path, **variables)
    assert made.returncode == 0, made.stderr
    assert GOLDEN["case118-1000-seed1"] in made.stdout
    summary = summarise(open_dataset(tmp_path / "set"))
    assert summary.manifest.environment.blas_threads == threads
    assert summary.residuals is not None
    assert max(summary.residuals.p_max_mw, summary.residuals.q_max_mvar) < 1e-6


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["generate", "--size", "huge"], "there are small, medium, large"),
        (["generate", "--case", "57", "--steps", "3"], "there are case14, case30, case118"),
        (["generate", "--case", "../case14", "--steps", "3"], "There is no network"),
        (["generate", "--case", "14"], "--case together with --steps"),
        (["generate", "--steps", "14"], "--case together with --steps"),
        (["generate", "--size", "small", "--case", "14", "--steps", "1"], "either --size"),
        (["generate", "--case", "14", "--steps", "0"], "--steps"),
        (["generate", "--case", "14", "--steps", "99999999999"], "n_steps"),
        (["generate", "--seed", "-1"], "--seed"),
        (["generate", "--seed", "9223372036854775808"], "seed"),
        (["generate", "--format", "xlsx"], "--format"),
        (["generate", "--out", "file"], "exists already"),
        (["generate", "--out", "file/set"], "cannot be made"),
        (["generate", "--out", "x" * 300], "cannot be made"),
        (["show", "nowhere"], "holds no dataset"),
        (["show", "file"], "holds no dataset"),
        (["show", "."], "holds no dataset"),
    ],
)
def test_a_bad_word_is_one_message_and_leaves_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    said: str,
) -> None:
    """On standard error, with exit code 2, and the folder is as it was."""
    (tmp_path / "file").write_text("mine")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")  # the command would set it for the tests that follow
    monkeypatch.setattr(sys, "argv", ["recloser", "data", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    printed = capsys.readouterr()
    assert ended.value.code == 2
    assert said in printed.err
    assert printed.out == ""
    assert [(entry.name, entry.read_text()) for entry in tmp_path.iterdir()] == [("file", "mine")]


@pytest.mark.parametrize("way_to_end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_an_interrupted_generation_leaves_no_dataset(tmp_path: Path, way_to_end: signal.Signals) -> None:
    """Killed while tables are being written; the same command then makes it whole."""
    words = [RECLOSER, "data", "generate", "--case", "118", "--out", "set"]
    # Whoever started the tests in the background has SIGINT ignored in all that they start.
    heard = [sys.executable, "-c", HEARING_INTERRUPTS, *words, "--steps", "1000000"]
    running = subprocess.Popen(heard, cwd=tmp_path, stderr=subprocess.PIPE)
    table = tmp_path / ".set.partial" / "edge.parquet"
    until = time.monotonic() + TIMEOUT_S
    while not (table.exists() and table.stat().st_size > 10**6) and time.monotonic() < until:
        assert running.poll() is None
        time.sleep(0.05)
    running.send_signal(way_to_end)
    try:
        _, said = running.communicate(timeout=TIMEOUT_S)
    finally:
        running.kill()
    assert running.returncode != 0
    assert b"Traceback" not in said
    assert not (tmp_path / "set").exists()
    if way_to_end is signal.SIGINT:
        assert list(tmp_path.iterdir()) == []
    again = run([*words, "--steps", "5"], tmp_path)
    assert again.returncode == 0, again.stderr
    assert [entry.name for entry in tmp_path.iterdir()] == ["set"]
    assert summarise(open_dataset(tmp_path / "set")).intact


def test_a_refusal_is_no_traceback(tmp_path: Path) -> None:
    """The same from a shell."""
    ended = data("show", "nowhere", folder=tmp_path)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert (
        ended.stderr
        == "recloser: nowhere holds no dataset: manifest.json cannot be read (No such file or directory).\n"
    )


def test_without_the_extra_the_command_says_what_to_install(tmp_path: Path) -> None:
    """The rest of Recloser does not need the grid's libraries."""
    code = "import sys; sys.modules['pyarrow'] = None; from flows.cli import main; main()"
    ended = run([sys.executable, "-c", code, "data", "generate"], tmp_path)
    assert ended.returncode == 1
    assert "pip install 'recloser[grid]'" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_command_line_starts_without_the_grids_libraries(tmp_path: Path) -> None:
    """They take seconds to import, and most commands do not need them."""
    code = (
        "import sys; import flows.cli; "
        "print(sorted({'numpy', 'pandas', 'pyarrow', 'lightsim2grid', 'recloser.grid'} & set(sys.modules)))"
    )
    assert run([sys.executable, "-c", code], tmp_path).stdout == "[]\n"
