"""Datasets in memory: shapes, types, and nothing among the features that a model should predict."""

import numpy as np
import pandas as pd
import pytest

from recloser.grid import Dataset, generate_dataset, request_dataset, request_size
from recloser.grid import frames as tables
from recloser.grid.dataset import EDGE_FEATURES, EDGE_TARGETS, NODE_FEATURES, NODE_TARGETS

SHAPES = {"small": (50, 14, 20, 5), "medium": (200, 30, 41, 6), "large": (1000, 118, 186, 54)}


@pytest.fixture(scope="module", params=SHAPES)
def sized(request: pytest.FixtureRequest) -> tuple[Dataset, tuple[int, int, int, int]]:
    """A dataset of each size."""
    return generate_dataset(request_size(request.param)), SHAPES[request.param]


def test_arrays_have_the_documented_shapes(sized: tuple[Dataset, tuple[int, int, int, int]]) -> None:
    """Steps, buses and branches in that order."""
    dataset, (steps, buses, branches, _) = sized
    assert dataset.node_features.shape == (steps, buses, len(NODE_FEATURES))
    assert dataset.node_targets.shape == (steps, buses, len(NODE_TARGETS))
    assert dataset.edge_targets.shape == (steps, branches, len(EDGE_TARGETS))
    assert dataset.edge_index.shape == (2, branches)
    assert dataset.edge_features.shape == (branches, len(EDGE_FEATURES))
    for array in (dataset.node_features, dataset.node_targets, dataset.edge_targets, dataset.edge_features):
        assert array.dtype == np.float64
        assert np.isfinite(array).all()


def test_tables_have_the_columns_and_types_of_their_schema(sized: tuple[Dataset, tuple[int, int, int, int]]) -> None:
    """In order, and one row per step and bus, branch or unit."""
    dataset, (steps, buses, branches, units) = sized
    frames = {"node": dataset.node_frame(), "edge": dataset.edge_frame(), "gen": dataset.gen_frame()}
    widths = {"node": buses, "edge": branches, "gen": units}
    for name, frame in frames.items():
        assert {column: str(dtype) for column, dtype in frame.dtypes.items()} == dict(tables.TABLE_COLUMNS[name])
        assert list(frame) == list(tables.TABLE_COLUMNS[name])
        assert len(frame) == steps * widths[name]
        assert not frame.duplicated(list(frame)[:1] + [key for key in ("bus", "branch", "gen") if key in frame]).any()


def test_tables_and_arrays_say_the_same(sized: tuple[Dataset, tuple[int, int, int, int]]) -> None:
    """The long form and the array form are two views of one thing."""
    dataset, (steps, buses, branches, _) = sized
    node, edge = dataset.node_frame(), dataset.edge_frame()
    for at, name in enumerate(NODE_TARGETS):
        assert np.array_equal(node[name].to_numpy().reshape(steps, buses), dataset.node_targets[:, :, at])
    for at, name in enumerate(EDGE_TARGETS):
        assert np.array_equal(edge[name].to_numpy().reshape(steps, branches), dataset.edge_targets[:, :, at])
    state = tables.to_state(node, edge, dataset.network)
    assert np.array_equal(state.qg_mvar, dataset.block.state.qg_mvar)
    assert np.array_equal(state.flows.pt_mw, dataset.block.state.flows.pt_mw)


def test_features_are_inputs_alone() -> None:
    """No voltage, no solved reactive power, and not what the slack makes up, which would give the losses away."""
    dataset = generate_dataset(request_dataset("case118", 20))
    network = dataset.network
    dispatch = dataset.node_features[:, :, NODE_FEATURES.index("pg_mw")]
    assert not dispatch[:, network.slack_bus].any()
    given = dataset.block.injections
    assert np.array_equal(dataset.node_features, np.stack([given.pd_mw, given.qd_mvar, given.pg_mw], axis=-1))
    assert set(NODE_FEATURES) == {"pd_mw", "qd_mvar", "pg_mw"}
    assert set(EDGE_FEATURES) == {"r_pu", "x_pu", "b_pu", "tap", "rate_mva"}


def test_timestamps_count_quarter_hours_in_utc() -> None:
    """From the first moment of 2024."""
    node = generate_dataset(request_dataset("case14", 97)).node_frame()
    assert node["ts"].iloc[0] == pd.Timestamp("2024-01-01T00:00:00Z")
    assert node["ts"].iloc[-1] == pd.Timestamp("2024-01-02T00:00:00Z")
    assert len(node[["step", "ts"]].drop_duplicates()) == 97


def test_one_step_is_a_dataset() -> None:
    """The smallest there is."""
    dataset = generate_dataset(request_dataset("case14", 1))
    assert dataset.node_features.shape == (1, 14, 3)
    assert len(dataset.edge_frame()) == 20
