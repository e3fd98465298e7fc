"""Each fault shows, from outside, as what it says; the rest of the service stays as it is."""

import time
from pathlib import Path

import numpy as np
import pytest

from gridmodel.faults import EXIT_CRASH
from gridmodel.grid.network import admittances, load

DATA, FORECAST, OPF = "/api/generate-data", "/api/advanced/forecasting", "/api/advanced/opf"
SMALL = {"n_steps": 4, "n_buses": 14, "seed": 1}


def test_slow(breakable):
    """The answer is right, and no earlier than asked."""
    begun = time.monotonic()
    status, made = breakable.broken(DATA, SMALL, "slow=0.4")
    assert time.monotonic() - begun >= 0.4
    assert (status, made) == breakable.post(DATA, SMALL)


def test_error_every(start):
    """Every third request fails with 500; health does not count and does not fail."""
    with start(GRIDMODEL_FAULTS="error-every=3") as (client, _):
        seen = []
        for _ in range(6):
            seen.append(client.post(DATA, SMALL)[0])
            assert client.get("/api/health")[0] == 200
    assert seen == [200, 200, 500, 200, 200, 500]


def test_wrong_shape(breakable):
    """One step less than asked, and no word of it in `meta`."""
    status, made = breakable.broken(DATA, SMALL, "wrong-shape")
    assert status == 200
    assert (len(made["node_features"]), made["meta"]["n_steps"], len(made["node_targets"])) == (3, 4, 4)
    assert len(breakable.broken(OPF, {"n_buses": 14}, "wrong-shape")[1]["pg_mw"]) == 4


def test_nan(breakable):
    """One number of the answer is none."""
    assert breakable.broken(DATA, SMALL, "nan")[1]["node_features"][0][0][0] is None
    assert breakable.broken(OPF, {"n_buses": 14}, "nan")[1]["pg_mw"][0] is None


def test_stale_cache(breakable):
    """Another seed gives the first one's data; without the fault it does not."""
    other = SMALL | {"seed": 2}
    first = breakable.broken(DATA, SMALL, "stale-cache")[1]
    assert breakable.broken(DATA, other, "stale-cache")[1] == first
    assert breakable.post(DATA, other)[1]["node_features"] != first["node_features"]


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="no /proc to read a process's memory from")
def test_leak(start):
    """Every request keeps 20 MiB for good."""
    with start(GRIDMODEL_FAULTS="leak=20") as (client, process):
        client.post(OPF, {"n_buses": 14})
        before = resident_mib(process.pid)
        for _ in range(10):
            client.post(OPF, {"n_buses": 14})
        assert resident_mib(process.pid) - before > 150


def resident_mib(pid):
    """Memory of a process, in MiB."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def test_unstable_var(breakable):
    """On the small set the model runs away, and says so; who asks for ridge still gets it."""
    made = breakable.post(DATA, {"n_steps": 45, "n_buses": 14, "seed": 100})[1]
    history = np.array(made["node_features"])[:, :, 0].tolist()
    told = breakable.broken(FORECAST, {"history": history}, "unstable-var")[1]
    assert (told["method"], told["stable"]) == ("least_squares", False)
    assert told["companion_root"] > 1
    assert breakable.post(FORECAST, {"history": history})[1]["stable"]
    assert breakable.broken(FORECAST, {"history": history, "method": "ridge"}, "unstable-var")[1]["stable"]


def test_lost_charging(breakable):
    """The case118 defect: tables, shapes and real power are right, the reactive balance is not."""
    body = {"n_steps": 4, "n_buses": 118, "seed": 1}
    sound, broken = breakable.post(DATA, body)[1], breakable.broken(DATA, body, "lost-charging")[1]
    assert broken["meta"] == sound["meta"]
    assert broken["edge_features"] == sound["edge_features"]
    assert q_balance_mvar(sound) < 1e-7
    assert q_balance_mvar(broken) > 0.1


def q_balance_mvar(made):
    """The worst reactive balance at a bus without a unit, by the registered tables."""
    network = load(118)
    features, targets = np.array(made["node_features"]), np.array(made["node_targets"])
    voltage = targets[..., 0] * np.exp(1j * np.radians(targets[..., 1]))
    injected = 100 * (voltage * (voltage @ admittances(network).bus.T).conj()).imag
    return np.abs((injected + features[..., 1])[:, network.buses["type"] == 1]).max()


def test_without_model(start):
    """Health is degraded and says which; that endpoint answers 503, the others work."""
    with start(GRIDMODEL_FAULTS="without-model=forecasting") as (client, _):
        told = client.get("/api/health")[1]
        assert (told["status"], told["models"]["forecasting"]) == ("degraded", "missing")
        status, refusal = client.post(FORECAST, {"history": [[1.0]] * 5})
        assert (status, refusal["reason"]) == (503, "the model forecasting is not ready")
        assert client.post(OPF, {"n_buses": 14})[0] == 200


def test_port_taken(run_to_the_end):
    """It meets another socket on its port and says so."""
    done = run_to_the_end(GRIDMODEL_FAULTS="port-taken")
    assert done.returncode == 1
    assert "Address already in use" in done.stderr


def test_crash_on_start(run_to_the_end):
    """It ends before it listens."""
    done = run_to_the_end(GRIDMODEL_FAULTS="crash-on-start")
    assert done.returncode == EXIT_CRASH
    assert done.stdout == ""
    assert "crash-on-start" in done.stderr


def test_a_model_that_does_not_exist_cannot_be_left_out(run_to_the_end):
    """A misspelt name is told at the start."""
    done = run_to_the_end(GRIDMODEL_FAULTS="without-model=opt")
    assert done.returncode == 1
    assert "there is no model 'opt'; there are power-flow, forecasting, state-estimation, opf" in done.stderr
