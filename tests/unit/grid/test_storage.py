"""Datasets in folders: what is written is read back to the last bit, and what was changed is noticed."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recloser.grid import (
    DamagedTablesError,
    DatasetError,
    DatasetRequest,
    InexactError,
    Injections,
    NotConvergedError,
    Solution,
    StoredDataset,
    generate_dataset,
    load_network,
    open_dataset,
    request_dataset,
    storage,
    summarise,
    write_dataset,
)
from recloser.grid.blocks import STEPS_AT_ONCE
from recloser.grid.chord import ChordNewton
from recloser.grid.tables import FORMATS, iter_table, read_table

LONG = STEPS_AT_ONCE + 3  # two blocks


@pytest.fixture(scope="module", params=FORMATS)
def master(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> StoredDataset:
    """A dataset of two blocks, in both kinds of files."""
    folder = tmp_path_factory.mktemp(request.param) / "set"
    return write_dataset(request_dataset("case14", LONG, seed=2), folder, file_format=request.param)


@pytest.fixture
def written(master: StoredDataset, tmp_path: Path) -> StoredDataset:
    """A copy of it, to be spoilt."""
    return StoredDataset(path=Path(shutil.copytree(master.path, tmp_path / "set")), manifest=master.manifest)


def test_what_is_written_in_blocks_is_what_is_made_at_once(written: StoredDataset) -> None:
    """Exactly, in Parquet and in CSV, with the same types."""
    stored = open_dataset(written.path)
    made = generate_dataset(request_dataset("case14", LONG, seed=2))
    for table, frame in {"node": made.node_frame(), "edge": made.edge_frame(), "gen": made.gen_frame()}.items():
        pd.testing.assert_frame_equal(stored.read(table), frame, check_exact=True)


def test_a_manifest_says_what_the_files_are(written: StoredDataset) -> None:
    """Rows, sizes, hashes, residuals, and the versions it was made with."""
    manifest = open_dataset(written.path).manifest
    assert manifest == written.manifest
    assert manifest.request == request_dataset("case14", LONG, seed=2)
    assert {name.split(".")[0]: output.rows for name, output in manifest.outputs.items()} == {
        "node": LONG * 14,
        "edge": LONG * 20,
        "gen": LONG * 5,
    }
    assert manifest.case.network_sha256 == load_network("case14").network_sha256
    assert 0 < manifest.residuals.p_max_mw < 1e-8
    assert manifest.environment.libraries["numpy"] == np.__version__
    assert manifest.created_utc.tzinfo is not None
    assert written.damaged_files() == ()


def test_the_network_lies_beside_the_tables_byte_for_byte(written: StoredDataset) -> None:
    """A dataset can be read without Recloser."""
    network = written.network()
    assert network.files == load_network("case14").files
    assert sorted(entry.name for entry in written.path.iterdir() if entry.name != "network") == sorted(
        ["manifest.json", *written.manifest.outputs]
    )


def test_the_sum_of_a_dataset_is_that_of_its_tables(written: StoredDataset) -> None:
    """Gathered over blocks, and the same as over all rows."""
    node, edge = written.read("node"), written.read("edge")
    fingerprint = written.manifest.fingerprint
    assert fingerprint.sum_pd_mw == pytest.approx(node["pd_mw"].sum())
    assert fingerprint.sum_loss_mw == pytest.approx((edge["pf_mw"] + edge["pt_mw"]).sum())
    assert (fingerprint.min_vm_pu, fingerprint.max_vm_pu) == (node["vm_pu"].min(), node["vm_pu"].max())
    assert fingerprint.max_loading_pct == edge["loading_pct"].max()
    assert fingerprint.mean_abs_pf_mw == pytest.approx(edge["pf_mw"].abs().mean())


def test_an_intact_dataset_is_confirmed(written: StoredDataset) -> None:
    """Files, network and inputs are hashed again, residuals are taken again from the tables."""
    summary = summarise(written)
    assert summary.intact
    assert {check.name for check in summary.checks} == {"files", "network", "inputs"}
    assert summary.residuals is not None
    assert summary.residuals.p_max_mw < 1e-8
    assert summary.first_ts == "2024-01-01T00:00:00Z"
    assert summary.last_ts == str(written.read("node")["ts"].max()).replace(" ", "T").replace("+00:00", "Z")
    assert summary.loss_mwh == pytest.approx((written.read("edge")[["pf_mw", "pt_mw"]].sum().sum()) / 4)


def test_a_changed_file_is_noticed_and_named(written: StoredDataset) -> None:
    """One byte is enough; nothing is computed from a file that is not the one."""
    name = next(iter(written.manifest.outputs))
    path = written.path / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert written.damaged_files() == (name,)
    summary = summarise(written)
    assert not summary.intact
    assert {check.name: check.ok for check in summary.checks} == {"files": False, "network": True, "inputs": None}
    assert summary.residuals is None


def test_a_missing_file_is_noticed(written: StoredDataset) -> None:
    """It is damaged, and reading it says so."""
    path = written.table_path("edge")
    path.unlink()
    assert written.damaged_files() == (path.name,)
    with pytest.raises(DatasetError, match="edge.* is missing"):
        written.read("edge")


def test_a_network_that_is_not_the_registered_one_is_noticed(written: StoredDataset) -> None:
    """A copy with a lost charging is well-formed, and is another network."""
    path = written.path / "network" / "branches.csv"
    path.write_bytes(path.read_bytes().replace(b",0.0528,", b",0.0,"))
    summary = summarise(written)
    checks = {check.name: check for check in summary.checks}
    assert checks["network"].ok is False
    assert "not the registered case14" in checks["network"].detail
    assert summary.residuals is not None
    assert summary.residuals.q_max_mvar < 1e-6, "the tables are judged by the registered network, not by the copy"


def test_a_network_of_a_name_that_is_not_registered_is_unknown(written: StoredDataset) -> None:
    """A team's own network may be right; nothing here can tell."""
    case = written.manifest.case.model_copy(update={"name": "case57"})
    foreign = StoredDataset(path=written.path, manifest=written.manifest.model_copy(update={"case": case}))
    checks = {check.name: check for check in summarise(foreign).checks}
    assert checks["network"].ok is None
    assert checks["network"].detail == "case57 is not registered"


def test_a_dataset_without_its_network_is_noticed(written: StoredDataset) -> None:
    """What cannot be computed is unknown, never fine."""
    (written.path / "network" / "buses.csv").unlink()
    checks = {check.name: check.ok for check in summarise(written).checks}
    assert checks == {"files": True, "network": False, "inputs": None}


def rewritten(stored: StoredDataset, frame: pd.DataFrame, table: str = "node") -> StoredDataset:
    """The dataset with a table of another writer, its hash in the manifest made to fit."""
    from recloser.grid.storage import describe_files, write_manifest  # noqa: PLC0415

    path = stored.table_path(table)
    frame.to_parquet(path) if path.suffix == ".parquet" else frame.to_csv(path, index=False)
    outputs = dict(stored.manifest.outputs) | describe_files(stored.path, {path.name: len(frame)})
    write_manifest(stored.manifest.model_copy(update={"outputs": outputs}), stored.path)
    return open_dataset(stored.path)


def test_other_inputs_under_a_manifest_that_fits_are_noticed(written: StoredDataset) -> None:
    """The hash of the inputs is taken from the numbers, whoever wrote the file."""
    node = written.read("node")
    node.loc[17, "pd_mw"] += 0.001
    summary = summarise(rewritten(written, node))
    assert {check.name: check.ok for check in summary.checks} == {"files": True, "network": True, "inputs": False}
    assert summary.residuals is not None
    assert summary.residuals.p_max_mw == pytest.approx(0.001, rel=1e-3)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda node: node.sample(frac=1, random_state=1), "order"),
        (lambda node: node.iloc[:-14], "do not hold|order"),
        (lambda node: node.iloc[:0], "do not hold|columns"),
        (lambda node: node.drop(columns="pd_mw"), "columns"),
        (lambda node: node.assign(pd_mw="much"), "columns"),
        (lambda node: node.assign(pd_mw=np.nan), "finite"),
        (lambda node: node.assign(pd_mw=-np.inf), "finite"),
        (lambda node: node.assign(pd_mw=1e300), "no MW"),
    ],
)
def test_tables_that_cannot_be_taken_step_by_step_are_unknown(written: StoredDataset, spoil: object, why: str) -> None:
    """Row order is no part of the contract, so it is no damage either; the validation takes any."""
    assert callable(spoil)
    summary = summarise(rewritten(written, spoil(written.read("node"))))
    (check,) = [check for check in summary.checks if check.name == "inputs"]
    assert check.ok is None
    assert pd.Series([check.detail]).str.contains(why).all(), check.detail
    assert not summary.intact


def test_row_groups_of_any_size_are_read_alike(tmp_path: Path) -> None:
    """Another writer cuts a file at other places."""
    frame = pd.DataFrame({"value": np.arange(1000.0)})
    frame.to_parquet(tmp_path / "a.parquet", row_group_size=77)
    pieces = list(iter_table(tmp_path / "a.parquet", 64))
    assert [len(piece) for piece in pieces] == [64] * 15 + [40]
    assert np.array_equal(pd.concat(pieces)["value"], frame["value"])


@settings(max_examples=50, deadline=None)
@given(numbers=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=30))
def test_a_number_survives_csv_to_the_last_bit(tmp_path_factory: pytest.TempPathFactory, numbers: list[float]) -> None:
    """Default `read_csv` would lose some."""
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.csv  # noqa: PLC0415

    path = tmp_path_factory.mktemp("csv") / "node.csv"
    pa.csv.write_csv(pa.table({"vm_pu": pa.array(numbers, type=pa.float64())}), path)
    assert read_table(path)["vm_pu"].tolist() == numbers


def test_no_type_is_forced_on_a_csv(tmp_path: Path) -> None:
    """A fault stays visible: text stays text, a fraction of a step stays one, a large number is not folded."""
    path = tmp_path / "node.csv"
    path.write_text("step,bus,pd_mw,ts\n0.5,4294967297,1.0,yesterday\n1,1,much,2024-01-01\n")
    frame = read_table(path)
    assert frame["step"].tolist() == [0.5, 1.0]
    assert frame["bus"].tolist() == [4294967297, 1]
    assert frame["pd_mw"].tolist() == ["1.0", "much"]
    assert frame["ts"].tolist() == ["yesterday", "2024-01-01"]


@pytest.mark.parametrize("content", [b"", b"\x00\xff,\xfe\n1,2,3", b'a,b\n"PAR1'])
@pytest.mark.parametrize("suffix", FORMATS)
def test_a_file_that_is_no_table_is_one_message(tmp_path: Path, content: bytes, suffix: str) -> None:
    """Whatever the reader says, its first line is enough."""
    path = tmp_path / f"node.{suffix}"
    path.write_bytes(content)
    for read in (read_table, lambda path: list(iter_table(path, 10))):
        with pytest.raises(DatasetError, match="cannot be read as a table") as caught:
            read(path)
        assert "\n" not in str(caught.value)
        with pytest.raises(DatasetError, match="is missing"):
            read(tmp_path / f"other.{suffix}")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not a manifest"),
        (b"{", "is not a manifest"),
        (b"[1, 2]", "is not a manifest"),
        (b'{"schema_version": "1.0"}', "dataset_id: Field required"),
        (b" " * (2**20 + 1), "larger than a manifest"),
    ],
)
def test_a_folder_that_holds_no_dataset_is_one_message(tmp_path: Path, content: bytes, message: str) -> None:
    """Nor is one made up of what can be read."""
    (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(DatasetError, match=message):
        open_dataset(tmp_path)


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "node.parquet\n", "network/buses.csv"])
def test_a_manifest_names_files_of_its_own_folder_only(tmp_path: Path, name: str) -> None:
    """A foreign manifest leads nowhere."""
    stored = write_dataset(request_dataset("case14", 2), tmp_path / "set")
    manifest = json.loads((stored.path / "manifest.json").read_text())
    manifest["outputs"][name] = manifest["outputs"].pop("node.parquet")
    (stored.path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(DatasetError, match="outputs"):
        open_dataset(stored.path)


def test_a_manifest_without_a_table_says_so(tmp_path: Path) -> None:
    """The summary is unknown then, and reading is refused."""
    stored = write_dataset(request_dataset("case14", 2), tmp_path / "set")
    manifest = stored.manifest.model_copy(update={"outputs": {}})
    bare = StoredDataset(path=stored.path, manifest=manifest)
    with pytest.raises(DatasetError, match="names no node table"):
        bare.read("node")
    assert not summarise(bare).intact


def test_progress_is_told_after_each_block(tmp_path: Path) -> None:
    """Up to the number of steps."""
    told: list[int] = []
    write_dataset(request_dataset("case14", LONG), tmp_path / "set", on_progress=told.append)
    assert told == [STEPS_AT_ONCE, LONG]


def test_steps_without_solution_leave_nothing_behind(tmp_path: Path) -> None:
    """Not even a hidden folder."""
    with pytest.raises(NotConvergedError):
        write_dataset(request_dataset("case30", 10, level=8.0), tmp_path / "set")
    assert list(tmp_path.iterdir()) == []


class Careless(ChordNewton):
    """An engine that is a little wrong at one bus, and does not know."""

    def solve(self, injections: Injections) -> Solution:
        found = super().solve(injections)
        found.vm_pu[-1, -1] += 1e-6
        return found


def test_an_engine_that_is_wrong_in_silence_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A millionth of the voltage is enough; nothing is left behind."""
    monkeypatch.setattr(storage, "make_engine", lambda network, _: Careless(network))
    with pytest.raises(InexactError, match="chord-newton .* is off by"):
        write_dataset(request_dataset("case30", 10), tmp_path / "set")
    assert list(tmp_path.iterdir()) == []


def test_an_existing_folder_is_never_written_into(tmp_path: Path) -> None:
    """Not even an empty one, nor where a link points."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("empty", "link"):
        with pytest.raises(DatasetError, match="exists already"):
            write_dataset(request_dataset("case14", 2), tmp_path / name)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["empty", "link"]


def test_a_request_survives_its_manifest(tmp_path: Path) -> None:
    """A dataset can be made again from what it says of itself."""
    stored = write_dataset(request_dataset("case30", 5, seed=2**62, level=0.7), tmp_path / "set")
    again = DatasetRequest.model_validate_json(open_dataset(stored.path).manifest.request.model_dump_json())
    assert write_dataset(again, tmp_path / "again").manifest.inputs_sha256 == stored.manifest.inputs_sha256


def test_unreadable_networks_are_refused(tmp_path: Path) -> None:
    """The copy in a dataset is as foreign as the rest of it."""
    stored = write_dataset(request_dataset("case14", 2), tmp_path / "set")
    (stored.path / "network" / "buses.csv").write_bytes(b"bus\n\xff")
    with pytest.raises(DamagedTablesError):
        stored.network()
