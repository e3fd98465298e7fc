"""The load model: the same everywhere, moving as loads do."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recloser.grid import DatasetRequest, Injections, inputs_sha256, load_network, make_injections, request_dataset

GOLDEN = json.loads(Path(__file__).with_name("golden_inputs.json").read_text())["inputs_sha256"]
WEEK = 7 * 96


def inputs(request: DatasetRequest, steps_at_once: int = 10_000) -> Injections:
    """All inputs of a request in one block."""
    (block,) = make_injections(request, load_network(request.case), steps_at_once=steps_at_once)
    return block


@pytest.mark.parametrize("dataset_id", GOLDEN)
def test_the_same_seed_has_the_same_inputs_everywhere(dataset_id: str) -> None:
    """The hashes were taken on other versions and processors too; the file says on which."""
    case, n_steps, seed = dataset_id.split("-")
    request = request_dataset(case, int(n_steps), seed=int(seed.removeprefix("seed")))
    assert inputs_sha256([inputs(request)]) == GOLDEN[dataset_id]


@settings(max_examples=25, deadline=None)
@given(n_steps=st.integers(1, 60), steps_at_once=st.integers(1, 70), seed=st.integers(0, 2**63 - 1))
def test_inputs_do_not_depend_on_how_many_are_made_at_once(n_steps: int, steps_at_once: int, seed: int) -> None:
    """A long dataset is made in blocks; it must be the same dataset."""
    request = request_dataset("case14", n_steps, seed=seed)
    blocks = list(make_injections(request, load_network("case14"), steps_at_once=steps_at_once))
    assert [block.first_step for block in blocks] == list(range(0, n_steps, steps_at_once))
    assert inputs_sha256(blocks) == inputs_sha256([inputs(request)])


def test_the_hash_is_over_kilowatts_of_load_then_kilovars_then_dispatch() -> None:
    """Anyone can take it again from a table with three lines of numpy."""
    import hashlib  # noqa: PLC0415

    block = inputs(request_dataset("case30", 9, seed=5))
    columns = (block.pd_mw, block.qd_mvar, block.pg_mw)
    content = b"".join(np.rint(1000 * column).astype("<i8").tobytes() for column in columns)
    assert inputs_sha256([block]) == hashlib.sha256(content).hexdigest()


def test_another_seed_another_length_and_another_level_are_other_inputs() -> None:
    """All three are part of the request."""
    requests = [
        request_dataset("case14", 20, seed=1),
        request_dataset("case14", 20, seed=2),
        request_dataset("case14", 21, seed=1),
        request_dataset("case14", 20, seed=1, level=0.9),
    ]
    first_rows = {inputs(request).pd_kw[0].tobytes() for request in requests}
    assert len(first_rows) == len(requests)


@pytest.mark.parametrize("case", ["case14", "case30", "case118"])
def test_only_load_buses_draw_and_only_units_produce(case: str) -> None:
    """Where the tables have no load there is none; the slack's production is a result."""
    network = load_network(case)
    block = inputs(request_dataset(case, 50))
    idle = network.buses.pd0_mw == 0
    assert not block.pd_kw[:, idle].any()
    assert (block.pd_kw[:, ~idle] > 0).all()
    no_unit = np.setdiff1d(network.buses.bus, network.generators.bus)
    assert not block.pg_kw[:, no_unit].any()
    assert not block.pg_kw[:, network.slack_bus].any()


@pytest.mark.parametrize("level", [0.3, 0.85, 2.0])
def test_units_stay_within_their_limits(level: float) -> None:
    """However high the load, the slack takes what is missing."""
    network = load_network("case30")
    block = inputs(request_dataset("case30", 96, level=level))
    others = network.generators.bus != network.slack_bus
    at = network.generators.bus[others]
    assert (block.pg_mw[:, at] >= network.generators.pmin_mw[others]).all()
    assert (block.pg_mw[:, at] <= network.generators.pmax_mw[others]).all()


@pytest.mark.parametrize("seed", range(5))
def test_loads_move_with_their_system_and_from_one_step_to_the_next(seed: int) -> None:
    """Correlated in time (lag 1 of the total) and in space (a bus with the total), as the reference measured them."""
    block = inputs(request_dataset("case118", 1000, seed=seed))
    total = block.pd_mw.sum(axis=1)
    assert np.corrcoef(total[1:], total[:-1])[0, 1] > 0.98
    loaded = block.pd_mw[:, load_network("case118").buses.pd0_mw > 0]
    correlations = [np.corrcoef(bus, total)[0, 1] for bus in loaded.T]
    assert np.median(correlations) > 0.97


def test_buses_of_one_zone_are_closer_than_those_of_two() -> None:
    """Relative to the system, what is left is the zone's noise and the bus's own."""
    network = load_network("case118")
    block = inputs(request_dataset("case118", 4000))
    loaded = np.flatnonzero(network.buses.pd0_mw > 0)
    share = np.log(block.pd_mw[:, loaded] / network.buses.pd0_mw[loaded])
    correlation = np.corrcoef((share - share.mean(axis=1, keepdims=True)).T)
    zone = 4 * loaded // network.n_buses
    same = (zone[:, None] == zone) & ~np.eye(len(zone), dtype=bool)
    assert correlation[same].mean() > correlation[zone[:, None] != zone].mean() + 0.3


def test_the_day_and_the_weekend_show() -> None:
    """The evening is high, the night is low, Saturday is lower than Friday."""
    total = np.mean([inputs(request_dataset("case118", WEEK, seed=s)).pd_mw.sum(axis=1) for s in range(4)], axis=0)
    by_day = total.reshape(7, 96)
    hourly = by_day[:5].mean(axis=0).reshape(24, 4).mean(axis=1)
    assert hourly[12] > 1.2 * hourly[4]
    assert by_day[5:].mean() < 0.97 * by_day[:5].mean()


def test_the_spread_of_loads_is_the_published_one() -> None:
    """pd/pd0 of a thousand steps lies within what sixty seeds of the reference showed, with a margin."""
    network = load_network("case118")
    loaded = network.buses.pd0_mw > 0
    share = inputs(request_dataset("case118", 1000, seed=7)).pd_mw[:, loaded] / network.buses.pd0_mw[loaded]
    assert 0.55 < share.min() < 0.70
    assert 0.97 < share.max() < 1.08
    assert 0.80 < share.mean() < 0.87
