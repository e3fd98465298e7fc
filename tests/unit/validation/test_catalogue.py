"""The catalogue of faults: each is found, by the rules that are meant for it, and the control is not."""

import pandas as pd
import pytest

from recloser.grid import Dataset, generate_dataset, request_size
from recloser.validation import UnknownFaultError, check_subject, of_dataset
from recloser.validation.corruption import FAULTS, corrupt_dataset

NAMES = sorted(FAULTS)
PROVENANCE = ("R34", "R35", "R41", "R42", "R43")
ANOTHER_SEED = "C50"  # a valid other dataset: only its provenance is wrong
EXPECTED = {
    "C01": {"R07", "R16", "R19", "R22", "R24"},
    "C02": {"R07", "R09", "R19", "R20", "R21", "R22"},
    "C03": {"R08", "R21", "R22", "R24", "R25"},
    "C04": {"R02", "R04", "R05"},
    "C05": {"R02", "R05"},
    "C06": {"R02", "R05"},
    "C07": {"R02", "R03", "R05"},
    "C08": {"R28"},
    "C09": {"R01", "R07", "R09"},
    "C10": {"R01"},
    "C11": {"R01"},
    "C12": {"R01", "R20", "R21"},
    "C13": {"R04"},
    "C14": {"R02", "R04"},
    "C16": {"R06"},
    "C17": {"R06"},
    "C19": {"R27", "R28"},
    "C20": {"R27"},
    "C21": {"R17", "R26"},
    "C22": {"R26"},
    "C26": {"R19", "R20", "R21"},
    "C29": {"R21", "R22", "R23", "R24"},
    "C31": {"R21", "R22"},
    "C34": {"R21", "R22", "R24"},
    "C35": {"R21", "R22", "R24"},
    "C36": {"R19", "R22", "R24"},
    "C37": {"R19", "R20", "R21"},
    "C38": {"R19", "R20", "R21"},
    "C39": {"R13"},
    "C40": {"R19", "R20", "R22", "R24"},
    "C41": {"R19", "R20", "R21"},
    "C42": {"R20", "R21"},
    "C43": {"R19", "R20", "R21"},
    "C46": {"R15"},
}


@pytest.mark.parametrize("name", NAMES)
def test_every_fault_is_found(small: Dataset, name: str) -> None:
    """By the rules of the reference at least; the control raises nothing at all."""
    failed = set(check_subject(corrupt_dataset(small, name)).failed_rules())
    if FAULTS[name].is_control:
        assert not failed
    else:
        assert failed >= EXPECTED.get(name, set())
        assert failed


@pytest.mark.parametrize("name", ["C15", "C20", "C35", "C43", "C48"])
def test_faults_are_found_on_a_network_without_taps(medium: Dataset, name: str) -> None:
    """`benchmarks/validation.py` tries all faults on all sizes."""
    failed = check_subject(corrupt_dataset(medium, name), without=PROVENANCE).failed_rules()
    assert bool(failed) is not FAULTS[name].is_control


@pytest.mark.parametrize("name", [name for name in NAMES if name not in {"C15", "C47", "C48", ANOTHER_SEED}])
def test_most_faults_are_found_by_content_alone(small: Dataset, name: str) -> None:
    """Without hashes and replay; a shift of a few percent in 50 steps is within what seeds differ by."""
    assert check_subject(corrupt_dataset(small, name), without=PROVENANCE).failed_rules()


def test_another_seed_is_a_good_dataset_of_the_wrong_name(small: Dataset) -> None:
    """Its content is found right, and its inputs are not those that were asked for."""
    other = corrupt_dataset(small, ANOTHER_SEED)
    assert not check_subject(other, without=PROVENANCE).failed_rules()
    assert "R41" in check_subject(other).failed_rules()


def test_the_same_seed_breaks_at_the_same_place(small: Dataset) -> None:
    """And another one elsewhere."""
    first, again, other = (corrupt_dataset(small, "C01", seed=seed).node for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first, again)
    assert not first.equals(other)


def test_a_fault_leaves_the_dataset_as_it_was(small: Dataset) -> None:
    """All faults start from the same tables."""
    node = small.node_frame()
    for name in NAMES:
        corrupt_dataset(small, name)
    pd.testing.assert_frame_equal(small.node_frame(), node)


def test_an_unknown_fault_is_refused(small: Dataset) -> None:
    """By a message that says which there are."""
    with pytest.raises(UnknownFaultError, match="C01 to C50"):
        corrupt_dataset(small, "C99")


@pytest.mark.parametrize("size", ["small", "medium"])
def test_good_sets_of_unseen_seeds_raise_no_critical_alarm(size: str) -> None:
    """Ten of each; `benchmarks/validation.py` counts all alarms over hundreds."""
    for seed in range(91_000, 91_010):
        report = check_subject(of_dataset(generate_dataset(request_size(size, seed=seed))))
        assert report.holds, report.failed_rules()
