"""The frozen networks: what is registered, and what is refused."""

import dataclasses
import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from recloser.grid import DamagedTablesError, UnknownCaseError, load_network, networks, parse_network, registered_cases

CASES = ("case14", "case30", "case118")


def test_the_registered_networks_are_the_three_of_the_reference() -> None:
    """Their order is by size."""
    assert tuple(registered_cases()) == CASES


@pytest.mark.parametrize(
    ("case", "shape", "load_mw", "installed_mw", "slack"),
    [
        ("case14", (14, 20, 5), 259.0, 772.4, (0, 0.0)),
        ("case30", (30, 41, 6), 189.2, 335.0, (0, 0.0)),
        ("case118", (118, 186, 54), 4242.0, 9966.2, (68, 30.0)),
    ],
)
def test_a_network_has_the_published_size(
    case: str, shape: tuple[int, int, int], load_mw: float, installed_mw: float, slack: tuple[int, float]
) -> None:
    """Buses, branches, units, load, installed power and slack are those of the data's own README."""
    network = load_network(case)
    assert (network.n_buses, network.n_branches, network.n_generators) == shape
    assert network.buses.pd0_mw.sum() == pytest.approx(load_mw)
    assert network.generators.pmax_mw.sum() == pytest.approx(installed_mw)
    assert (network.slack_bus, network.slack_angle_deg) == slack
    assert network.generators.bus[network.slack_unit] == network.slack_bus


@pytest.mark.parametrize("case", CASES)
def test_the_content_hash_is_the_registered_one(case: str) -> None:
    """Two hashes register a network: of its bytes, and of its numbers."""
    network = load_network(case)
    registration = registered_cases()[case]
    assert network.network_sha256 == registration.network_sha256
    assert {name: hashlib.sha256(content).hexdigest() for name, content in network.files.items()} == registration.files


def test_the_content_hash_does_not_depend_on_how_the_numbers_are_written() -> None:
    """1.06 and 1.060 are one number, 0.0 and -0.0 too."""
    network = load_network("case14")
    respelt = {
        name: content.replace(b",1.06,", b",1.060,").replace(b",0.0,", b",-0.0,")
        for name, content in network.files.items()
    }
    assert respelt != network.files
    assert parse_network("mine", respelt, base_mva=100.0).network_sha256 == network.network_sha256


def test_the_content_hash_changes_with_any_number() -> None:
    """A lost line charging is another network."""
    network = load_network("case14")
    files = dict(network.files) | {"branches.csv": network.files["branches.csv"].replace(b",0.0528,", b",0.0,", 1)}
    assert parse_network("mine", files, base_mva=100.0).network_sha256 != network.network_sha256


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of the installed tables, to be damaged."""
    source = Path(networks.__file__).parent / "cases"
    copy = Path(shutil.copytree(source, tmp_path / "cases"))
    monkeypatch.setattr(networks, "_folder", lambda: copy)
    networks.registered_cases.cache_clear()
    networks.load_network.cache_clear()
    yield copy
    networks.registered_cases.cache_clear()
    networks.load_network.cache_clear()


def test_an_installed_table_that_was_changed_is_refused(installed: Path) -> None:
    """Even in a digit that changes no number."""
    path = installed / "case14" / "branches.csv"
    path.write_bytes(path.read_bytes().replace(b"0.0528", b"0.05280"))
    with pytest.raises(DamagedTablesError, match=r"case14/branches\.csv is not the registered one"):
        load_network("case14")
    assert load_network("case30").n_buses == 30


def test_tables_and_their_registration_must_agree(installed: Path) -> None:
    """Whoever registers new tables gives the hash of their content too."""
    register = installed / "cases.toml"
    register.write_text(register.read_text().replace("e42b8aa6", "00000000"))
    with pytest.raises(DamagedTablesError, match="do not hold the registered network"):
        load_network("case14")


def test_the_columns_of_a_network_cannot_be_written() -> None:
    """All share one loaded network, so none may change it."""
    network = load_network("case14")
    for table in (network.buses, network.branches, network.generators):
        for field in dataclasses.fields(table):
            assert not getattr(table, field.name).flags.writeable, field.name


def test_set_points_are_known_where_a_unit_holds_them_only() -> None:
    """PQ buses have none."""
    network = load_network("case14")
    assert np.isnan(network.vset_pu).sum() == 9
    assert network.vset_pu[0] == pytest.approx(1.06)


def test_an_unknown_network_is_named_beside_the_known_ones() -> None:
    """The message says what there is."""
    with pytest.raises(UnknownCaseError, match="case14, case30, case118"):
        load_network("case57")


@pytest.mark.parametrize(
    ("table", "old", "new", "message"),
    [
        ("buses.csv", b"bus,ext_id", b"bus,number", "its columns must be"),
        ("buses.csv", b"0,1,3,", b"0,one,3,", "cannot be read"),
        ("buses.csv", b"0,1,3,", b"0,1,2,", "of type 3"),
        ("buses.csv", b"\n1,2,2,", b"\n7,2,2,", "must count"),
        ("branches.csv", b"\n0,0,1,", b"\n0,0,99,", "names a bus"),
        ("branches.csv", b",true,", b",yes,", "cannot be read"),
        ("generators.csv", b"\n1,1,", b"\n1,0,", "one unit"),
        ("generators.csv", b"gen,", b"\xff,", "cannot be read"),
        ("generators.csv", b"gen,", b'"gen,', "cannot be read"),
    ],
)
def test_damaged_tables_are_refused_with_the_fault(table: str, old: bytes, new: bytes, message: str) -> None:
    """Whoever brings tables of their own hears what is wrong with them."""
    files = dict(load_network("case14").files)
    assert old in files[table]
    files[table] = files[table].replace(old, new, 1)
    with pytest.raises(DamagedTablesError, match=message):
        parse_network("mine", files, base_mva=100.0)


def test_a_missing_table_is_named() -> None:
    """A network has three."""
    files = dict(load_network("case14").files)
    del files["branches.csv"]
    with pytest.raises(DamagedTablesError, match="branches.csv is missing"):
        parse_network("mine", files, base_mva=100.0)
