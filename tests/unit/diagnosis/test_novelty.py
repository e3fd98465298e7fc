"""Failures that no signature knows: what they have in common, and what a good run's log lacks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recloser.diagnosis import Symptoms, fingerprint, fingerprint_of, symptoms_of, template, unusual
from tests.unit.healing.fakes import failed

RUN = (
    "2026-11-21T08:{minute:02d}:01.5Z INFO job {uuid} reads s3://data/{number}/in.csv",
    "Traceback (most recent call last):",
    '  File "/tmp/w{number}/job.py", line {number}, in main',
    "SolverError: basis {number} of /scratch/{uuid}/model.lp is singular at 0x{hexa}",
)


@st.composite
def runs(draw: st.DrawFn) -> tuple[str, ...]:
    """The same failure with other ids, numbers and times."""
    facts = {
        "minute": draw(st.integers(0, 59)),
        "uuid": draw(st.uuids()),
        "number": draw(st.integers(0, 10**9)),
        "hexa": f"{draw(st.integers(0, 2**48)):x}",
    }
    return tuple(line.format(**facts) for line in RUN)


@given(runs(), runs())
def test_a_fingerprint_is_stable_under_what_changes_from_run_to_run(
    one: tuple[str, ...], other: tuple[str, ...]
) -> None:
    """Ids, numbers, times and paths do not make a failure another one."""
    assert fingerprint_of(Symptoms(exit_code=1, log=one)) == fingerprint_of(Symptoms(exit_code=1, log=other))


@pytest.mark.parametrize(
    "other",
    [
        Symptoms(exit_code=2, log=("SolverError: singular",)),
        Symptoms(exit_code=1, log=("SolverError: infeasible",)),
        Symptoms(exit_code=1, log=("SolverError: singular",), container_reason="a reason"),
        Symptoms(exit_code=1, log=("SolverError: singular",), status_reason="another reason"),
    ],
)
def test_another_failure_has_another_fingerprint(other: Symptoms) -> None:
    """Reasons, exit code and the error itself count."""
    assert fingerprint_of(other) != fingerprint_of(Symptoms(exit_code=1, log=("SolverError: singular",)))


def test_the_fingerprint_of_evidence_is_that_of_its_symptoms() -> None:
    """One function for what is collected live, one for what comes from a file."""
    evidence = failed("step 7", "SolverError: singular", "cleaning up 3 files")
    assert fingerprint(evidence) == fingerprint_of(symptoms_of(evidence))
    assert fingerprint(evidence) == fingerprint(failed("SolverError: singular", "cleaning up 99 files"))


@given(st.text(max_size=2_000))
def test_any_line_has_a_template(line: str) -> None:
    """Whatever a job prints, and a template is its own template's like."""
    assert len(template(line)) <= 3 * 600


def test_the_unusual_is_what_a_good_run_lacks() -> None:
    """Lines that differ in numbers only are usual; each new kind of line is given once."""
    good = ("WARN 3 rows dropped", "wrote /out/1.csv in 2.5 s")
    bad = ("WARN 17 rows dropped", "basis 4 is singular", "basis 5 is singular", "wrote /out/2.csv in 9.1 s")
    assert unusual(bad, good) == ("basis 4 is singular",)
    assert unusual(bad, bad) == ()
