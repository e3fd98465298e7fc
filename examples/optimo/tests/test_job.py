"""The job as Batch starts it: a process with an environment, a log, an exit code and two files."""

import json
import os
import subprocess
import sys
import threading

import pandas as pd
import pytest

from optimo import config, job
from optimo.solver import Solution
from optimo.status import Status


@pytest.fixture
def run(example, inputs_14, tmp_path):
    """Run the job on local folders; a variable set to None is left out."""

    def run(*arguments, **variables):
        environment = {
            "PATH": os.environ["PATH"],
            "OPTIMO_INPUT_DIR": str(inputs_14),
            "OPTIMO_OUTPUT_DIR": str(tmp_path / "outputs"),
            "OPTIMO_JOB_TABLE": str(tmp_path / "table"),
            "AWS_BATCH_JOB_ID": "job-7",
            "AWS_BATCH_JOB_ATTEMPT": "2",
        } | variables
        return subprocess.run(
            [sys.executable, "-m", "optimo", *arguments],
            cwd=example,
            env={name: value for name, value in environment.items() if value is not None},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.fixture
def row(tmp_path):
    """The job's row in the status table."""
    return lambda: json.loads((tmp_path / "table" / "job-7.json").read_text())


def last_line(done):
    return done.stderr.splitlines()[-1]


def test_solves_and_writes_both_files(run, row, tmp_path):
    """Exit 0, a full schedule, a summary and a SUCCEEDED row under the job's id."""
    done = run()
    assert done.returncode == 0, done.stderr
    schedule = pd.read_csv(tmp_path / "outputs" / "schedule.csv")
    result = json.loads((tmp_path / "outputs" / "result.json").read_text())
    assert list(schedule.columns) == ["hour", "gen", "on", "p_mw"]
    assert len(schedule) == 24 * 5
    assert result["status"] == "solved"
    assert result["gap"] <= 0.01
    assert (row()["status"], row()["phase"], row()["attempt"]) == ("SUCCEEDED", "done", 2)


def test_logs_the_size_of_the_model_before_it_builds_the_matrix(run):
    """The line after which a job that is short of memory dies."""
    lines = [line.split(" ", 1)[1] for line in run().stderr.splitlines()]
    size = lines.index("INFO model rows=1310 columns=1032 binaries=120")
    assert lines[size + 1].startswith("INFO coefficients from")


@pytest.mark.parametrize("name", ["OPTIMO_INPUT_DIR", "OPTIMO_OUTPUT_DIR", "OPTIMO_JOB_TABLE"])
def test_a_missing_variable_is_named_last(run, name):
    """Exit 1, and the last line of the log says which variable."""
    done = run("--check", **{name: None})
    assert done.returncode == 1
    assert last_line(done) == f"KeyError: 'required environment variable {name} is not set'"


def test_a_number_that_is_none_is_named(run):
    """Exit 1 with Python's own words, and the variable in the line before the traceback."""
    done = run("--check", OPTIMO_MIP_GAP="1%")
    assert done.returncode == 1
    assert last_line(done) == "ValueError: could not convert string to float: '1%'"
    assert "ERROR OPTIMO_MIP_GAP is not a number" in done.stderr


def test_a_senseless_number_is_refused(monkeypatch):
    """Neither nothing, nor less, nor without end."""
    for name in ("OPTIMO_INPUT_DIR", "OPTIMO_OUTPUT_DIR", "OPTIMO_JOB_TABLE"):
        monkeypatch.setenv(name, "here/")
    for text in ("0", "-1", "inf", "nan"):
        monkeypatch.setenv("OPTIMO_TIME_LIMIT_S", text)
        with pytest.raises(ValueError, match=f"OPTIMO_TIME_LIMIT_S must be a positive number, not '{text}'"):
            config.read()


def test_check_reads_the_configuration_only(run, tmp_path):
    """Exit 0 without table row and without outputs."""
    done = run("--check")
    assert done.returncode == 0
    assert "configuration is complete" in last_line(done)
    assert not (tmp_path / "outputs").exists()
    assert not (tmp_path / "table").exists()


def test_a_missing_input_fails_the_job(run, row, inputs_14):
    """Exit 1, the file named, the row FAILED with the reason."""
    (inputs_14 / "load.csv").unlink()
    done = run()
    assert done.returncode == 1
    assert last_line(done).startswith("FileNotFoundError: ")
    assert row()["status"] == "FAILED"
    assert "load.csv" in row()["message"]


def test_too_little_capacity_has_no_solution(run, row, inputs_14):
    """Exit 3: HiGHS says infeasible, the job says no solution."""
    units = pd.read_csv(inputs_14 / "generators.csv")
    units.assign(pmax_mw=units["pmin_mw"]).to_csv(inputs_14 / "generators.csv", index=False)
    done = run()
    assert done.returncode == 3
    assert "The problem is infeasible. (HiGHS Status 8" in done.stderr
    assert last_line(done).endswith("ERROR no solution")
    assert (row()["status"], row()["message"]) == ("FAILED", "no solution")


def test_a_solver_stopped_early_has_no_solution(run):
    """Exit 3, but the log says that time ran out."""
    done = run(OPTIMO_TIME_LIMIT_S="0.001")
    assert done.returncode == 3
    assert "Time limit reached" in done.stderr


def test_outputs_that_cannot_be_written_are_named(run, tmp_path):
    """Both, before the job fails."""
    (tmp_path / "outputs").write_text("a file, not a folder")
    done = run()
    assert done.returncode == 1
    assert done.stderr.count("ERROR cannot write") == 2


def test_a_schedule_outside_the_gap_is_written_and_fails(monkeypatch, inputs_14, tmp_path, row):
    """Exit 2: what was found is kept, but nobody may take it for solved."""
    found = Solution(pd.DataFrame({"hour": [0]}), 2.0, 1.0, 0.5, proven=False, shed_mwh=0.0, balance_max_mw=0.0)
    monkeypatch.setattr(job, "_solve", lambda *_: found)
    for name, folder in {
        "INPUT_DIR": inputs_14,
        "OUTPUT_DIR": tmp_path / "out",
        "JOB_TABLE": tmp_path / "table",
    }.items():
        monkeypatch.setenv(f"OPTIMO_{name}", str(folder))
    monkeypatch.setenv("AWS_BATCH_JOB_ID", "job-7")
    assert job.run() == job.LIMIT_REACHED
    assert json.loads((tmp_path / "out" / "result.json").read_text())["status"] == "limit"
    assert row()["message"].startswith("limit reached")


def test_the_heartbeat_writes_while_the_body_runs(monkeypatch):
    """The row is written again and again, and no more once the body has ended."""
    monkeypatch.setattr("optimo.status.HEARTBEAT_S", 0.01)
    rows, third = [], threading.Event()
    status = Status("table/", "job-7", 1)

    def put(row):
        rows.append(row["heartbeat_at"])
        if len(rows) == 3:
            third.set()

    monkeypatch.setattr(status, "_put", put)
    with status.heartbeat():
        assert third.wait(10)
    assert rows == sorted(rows)
    assert "heartbeat" not in [thread.name for thread in threading.enumerate()]


def test_a_heartbeat_that_is_refused_does_not_end_the_job(monkeypatch, caplog):
    """It is logged; the solver goes on."""
    monkeypatch.setattr("optimo.status.HEARTBEAT_S", 0.01)
    status, tried = Status("table/", "job-7", 1), threading.Event()

    def refuse(_row):
        tried.set()
        raise OSError("no")

    monkeypatch.setattr(status, "_put", refuse)
    with status.heartbeat():
        assert tried.wait(10)
    assert "cannot write status to table table/: no" in caplog.text
