"""Baselines: what they are made of, and that nobody changes one by hand."""

import json
from pathlib import Path

import pytest

from recloser.grid import SIZES, generate_dataset, load_network, request_dataset
from recloser.validation import BaselineError, build_baseline, check_subject, of_dataset, write_baseline
from recloser.validation.baseline import MIN_SEEDS, find_baseline, packaged_baselines, read_baselines
from recloser.validation.rules import least_widths, load_rules


def test_every_size_has_a_baseline_with_its_provenance() -> None:
    """Of at least sixty seeds, of the network as it is registered."""
    assert {(found.case, found.n_steps) for found in packaged_baselines()} >= set(SIZES.values())
    for found in packaged_baselines():
        assert found.provenance.n_seeds >= MIN_SEEDS
        assert found.provenance.network_sha256 == load_network(found.case).network_sha256
        assert len(found.profile) == found.n_steps


def test_every_number_of_a_rule_is_in_the_baselines() -> None:
    """A misspelt one would never be looked at."""
    known = {name for found in packaged_baselines() for name in found.numbers}
    assert {name for rule in load_rules() for name in rule.numbers} <= known
    assert set(least_widths()) <= known


def test_a_baseline_of_ones_own_is_found(tmp_path: Path) -> None:
    """It makes the statistics of another length judgeable; the same seeds give the same numbers."""
    made = build_baseline("14", 12, n_seeds=60)
    again = build_baseline("14", 12, n_seeds=60)
    assert made.numbers == again.numbers
    write_baseline(made, tmp_path)
    assert find_baseline("case14", 12, 0.85, folder=tmp_path) == made
    assert find_baseline("case14", 12, 0.85) is None
    report = check_subject(of_dataset(generate_dataset(request_dataset("14", 12, seed=7))), baselines=tmp_path)
    assert report.spotless, report.failed_rules()


@pytest.mark.parametrize("case", ["14", "30"])
def test_the_end_of_a_week_is_no_fault(case: str) -> None:
    """Sets of any length are judged by ramps of sets that hold a weekend too."""
    report = check_subject(of_dataset(generate_dataset(request_dataset(case, 700, seed=94_001))))
    assert report.holds, report.failed_rules()


def test_a_changed_baseline_is_refused(tmp_path: Path) -> None:
    """Its hash is that of its content."""
    path = write_baseline(packaged_baselines()[0], tmp_path)
    content = json.loads(path.read_text())
    content["numbers"]["largest_ramp"]["high"] = 99.0
    path.write_text(json.dumps(content))
    with pytest.raises(BaselineError, match="was changed"):
        read_baselines(tmp_path)
    path.write_text("{}")
    with pytest.raises(BaselineError, match="no baseline"):
        read_baselines(tmp_path)


def test_too_few_seeds_are_refused() -> None:
    """Rare values are not seen in a few sets."""
    with pytest.raises(BaselineError, match="at least 60"):
        build_baseline("14", 10, n_seeds=59)
