"""What a dataset says of itself: each false statement is found, in the files of a dataset."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from recloser.grid import request_size, write_dataset
from recloser.validation import State, check_subject, read_subject


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good dataset in a folder."""
    folder = tmp_path_factory.mktemp("stored") / "set"
    write_dataset(request_size("small", seed=95_001), folder)
    return folder


@pytest.fixture
def copy(stored: Path, tmp_path: Path) -> Path:
    """One that a test may damage."""
    shutil.copytree(stored, tmp_path / "set")
    return tmp_path / "set"


def failed(folder: Path) -> set[str]:
    """The rules a folder fails."""
    return set(check_subject(read_subject(folder)).failed_rules())


@pytest.mark.parametrize("file_format", ["parquet", "csv"])
def test_a_stored_dataset_is_spotless(tmp_path: Path, file_format: Any) -> None:
    """As Parquet, and as its export."""
    write_dataset(request_size("small", seed=95_002), tmp_path / "set", file_format=file_format)
    report = check_subject(read_subject(tmp_path / "set"))
    assert report.spotless, report.failed_rules()


def _put(*keys: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(manifest: dict[str, Any]) -> None:
        for key in keys[:-1]:
            manifest = manifest[key]
        manifest[keys[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "rules"),
    [
        (_put("inputs_sha256", value="0" * 64), {"R34"}),
        (_put("case", "network_sha256", value="0" * 64), {"R35"}),
        (_put("case", "base_mva", value=10.0), {"R43"}),
        (_put("request", "seed", value=1), {"R41"}),
        (_put("request", "level", value=0.9), {"R41"}),
        (_put("request", "n_steps", value=49), {"R02"}),
        (_put("dataset_id", value="another"), {"R43"}),
        (_put("fingerprint", "sum_pd_mw", value=1.0), {"R43"}),
        (_put("fingerprint", "max_vm_pu", value=1.2), {"R43"}),
        (_put("residuals", "p_max_mw", value=0.5), {"R43"}),
        (_put("rng", "bit_generator", value="MT19937"), {"R43"}),
        (_put("outputs", "node.parquet", "rows", value=1), {"R43"}),
        (_put("outputs", "node.parquet", "sha256", value="0" * 64), {"R42"}),
        (_put("created_utc", value="2199-01-01T00:00:00Z"), {"R43"}),
        (_put("schema_version", value="9.9"), {"R43"}),
    ],
)
def test_a_false_statement_is_found(copy: Path, change: Callable[[dict[str, Any]], None], rules: set[str]) -> None:
    """By the rule that is meant for it."""
    manifest = json.loads((copy / "manifest.json").read_text())
    change(manifest)
    (copy / "manifest.json").write_text(json.dumps(manifest))
    assert failed(copy) >= rules


def test_flows_that_overflow_are_no_error(copy: Path) -> None:
    """Their loading is infinite, and the fingerprint of that is none."""
    edge = pd.read_parquet(copy / "edge.parquet")
    edge.loc[7, "qf_mvar"] = 1e308
    edge.to_parquet(copy / "edge.parquet", index=False)
    assert failed(copy) >= {"R21", "R25", "R43"}


def test_the_manifest_of_another_set_is_found(copy: Path, tmp_path: Path) -> None:
    """It agrees with itself, and not with the tables."""
    other = write_dataset(request_size("small", seed=95_003), tmp_path / "other")
    shutil.copy(other.path / "manifest.json", copy / "manifest.json")
    assert failed(copy) >= {"R34", "R41", "R42", "R43"}


def test_another_copy_of_the_network_is_found(copy: Path) -> None:
    """A changed number, and a copy that cannot be read; the registered network judges the rest."""
    branches = copy / "network" / "branches.csv"
    branches.write_bytes(branches.read_bytes().replace(b"0.0528", b"0.0"))
    assert failed(copy) == {"R35"}
    branches.write_text("nothing")
    assert failed(copy) == {"R35"}


def test_a_changed_table_of_units_is_found(copy: Path) -> None:
    """It must say what the table of buses says."""
    units = pd.read_parquet(copy / "gen.parquet")
    units.loc[3, "pg_mw"] += 1e-3
    units.to_parquet(copy / "gen.parquet", index=False)
    assert failed(copy) == {"R42", "R44"}


def test_a_set_of_another_producer_is_not_replayed(copy: Path) -> None:
    """Its inputs are its own; everything else is judged."""
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["generator"]["name"] = "someone"
    (copy / "manifest.json").write_text(json.dumps(manifest))
    report = check_subject(read_subject(copy))
    assert report.holds
    assert {found.rule for found in report.of_state(State.NOT_APPLICABLE)} >= {"R41"}
