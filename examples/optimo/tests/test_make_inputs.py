"""The same seed makes the same bytes, and the frozen tables are what they are said to be."""

import hashlib
import subprocess
import sys

import pytest


@pytest.fixture
def make(example, tmp_path):
    """Make inputs in a folder of the given name."""

    def make(name, *arguments):
        done = subprocess.run(
            [sys.executable, "make_inputs.py", "--out", str(tmp_path / name), *arguments],
            cwd=example,
            capture_output=True,
            text=True,
            check=False,
        )
        return done, {path.name: path.read_bytes() for path in (tmp_path / name).glob("*.csv")}

    return make


@pytest.mark.parametrize("case", ["case14", "case30"])
def test_makes_the_reference_inputs(make, example, case):
    """Seed 1 gives the files beside the job, byte for byte."""
    done, files = make("made", "--case", case, "--hours", "24", "--seed", "1")
    assert done.returncode == 0, done.stderr
    assert files == {path.name: path.read_bytes() for path in (example / "data" / case).glob("*.csv")}


def test_the_seed_decides(make):
    """Another seed, other loads and prices; the network stays."""
    _, one = make("one", "--case", "case14", "--seed", "1")
    _, two = make("two", "--case", "case14", "--seed", "2")
    assert {name for name in one if one[name] == two[name]} == {"buses.csv", "branches.csv"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--case", "case99"], "argument --case: invalid choice"),
        (["--case", "case14", "--hours", "0"], "argument --hours: 0 is less than 1"),
        (["--case", "case14", "--hours", "day"], "argument --hours: invalid"),
        (["--case", "case14", "--seed", "-1"], "argument --seed: -1 is less than 0"),
        (["--case", "case14", "--level", "0"], "argument --level: 0 is not between 0 and 10"),
        ([], "the following arguments are required: --case"),
    ],
)
def test_wrong_arguments_are_told(make, arguments, message):
    """One line, exit 2, nothing written."""
    done, files = make("none", *arguments)
    assert done.returncode == 2
    assert message in done.stderr.splitlines()[-1]
    assert not files


def test_the_network_tables_are_the_registered_ones(example):
    """Each frozen table has the hash its README gives."""
    ieee = example / "data" / "ieee"
    hashes = [line.split()[:2] for line in (ieee / "README.md").read_text().splitlines() if " bytes, " in line]
    assert len(hashes) == 9
    for expected, name in hashes:
        assert hashlib.sha256((ieee / name).read_bytes()).hexdigest() == expected
