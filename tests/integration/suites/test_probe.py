"""Tests run once more: alone, in other orders, several times."""

from pathlib import Path

import pytest

from recloser.suites import run_probe
from recloser.target import Suite
from recloser.values import Probe, ProbeKind, TestAttempt

SUITE = Suite(command=("{python}", "-m", "pytest", "-p", "no:cacheprovider"), timeout_s=60)
PAIR = """
ORDER = []

def test_a_state_setter():
    ORDER.append("set")

def test_b_brittle():
    assert ORDER

def test_c_polluter():
    ORDER.append("spoilt")

def test_d_victim():
    assert "spoilt" not in ORDER
"""
NAMES = {"a": "a_state_setter", "b": "b_brittle", "c": "c_polluter", "d": "d_victim"}
IDS = {letter: f"test_pair.py::test_{name}" for letter, name in NAMES.items()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A suite whose tests depend on their order."""
    (tmp_path / "test_pair.py").write_text(PAIR)
    return tmp_path


def probe(kind: ProbeKind, *letters: str, runs: int = 1) -> Probe:
    """A probe of some of the tests."""
    tests = tuple(IDS[letter] for letter in letters)
    return Probe(kind=kind, suite="unit", tests=tests, runs=runs, expected_s=1, reason="is new")


def failed(attempts: tuple[TestAttempt, ...]) -> list[str]:
    """Which have failed, by letter, in the order they ran."""
    letters = {test_id: letter for letter, test_id in IDS.items()}
    return [letters[attempt.test_id] for attempt in attempts if attempt.status.is_failure]


def test_alone_the_brittle_one_fails_and_the_victim_passes(folder: Path) -> None:
    """Each in a process of its own; nothing else runs."""
    attempts = run_probe(probe(ProbeKind.ISOLATED, "b", "d"), SUITE, folder)
    assert [attempt.test_id for attempt in attempts] == [IDS["b"], IDS["d"]]
    assert failed(attempts) == ["b"]
    assert {(attempt.probe, attempt.number) for attempt in attempts} == {("isolated", 1)}


def test_in_reverse_the_victim_passes(folder: Path) -> None:
    """The whole suite runs, from its end."""
    attempts = run_probe(probe(ProbeKind.REVERSED, "d"), SUITE, folder)
    assert [attempt.test_id for attempt in attempts] == [IDS[letter] for letter in "dcba"]
    assert failed(attempts) == []


def test_the_same_seed_draws_the_same_orders(folder: Path) -> None:
    """And runs are numbered on from those there were."""
    drawn = [run_probe(probe(ProbeKind.SHUFFLED, "d", runs=2), SUITE, folder, first=3, seed=7) for _ in range(2)]
    orders = [[(attempt.number, attempt.test_id) for attempt in attempts] for attempts in drawn]
    assert orders[0] == orders[1]
    assert {number for number, _ in orders[0]} == {3, 4}


def test_a_test_that_is_not_there_leaves_no_attempt(folder: Path) -> None:
    """The base may not know it."""
    missing = probe(ProbeKind.CONFIRM_BASE, "a").model_copy(update={"tests": ("test_pair.py::test_of_tomorrow",)})
    assert run_probe(missing, SUITE, folder) == ()
