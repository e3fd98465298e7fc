"""What a user does in one session, on a running service."""

import numpy as np
import pytest


def test_complete_workflow(service):
    """Data, a forecast of its loads, an estimate of its last state, and a dispatch of that load."""
    assert service.get("/api/health")[1]["status"] == "ok"
    status, made = service.post("/api/generate-data", {"n_steps": 200, "n_buses": 30, "seed": 11})
    assert status == 200
    features, flows = np.array(made["node_features"]), np.array(made["edge_targets"])

    loads = features[:, :, 0]
    status, told = service.post("/api/advanced/forecasting", {"history": loads[:-5].tolist(), "steps": 5})
    assert status == 200
    assert told["stable"]
    loaded = loads[-1] > 0
    error = np.abs(np.array(told["forecast"])[:, loaded] / loads[-5:, loaded] - 1).mean()
    assert error < np.abs(loads[-6, loaded] / loads[-5:, loaded] - 1).mean(), "worse than repeating the last value"

    measured = {"n_buses": 30, "p_flow_mw": flows[-1, :, 0].tolist()}
    measured["p_injection_mw"] = (features[-1, :, 2] - loads[-1]).tolist()
    status, state = service.post("/api/advanced/state-estimation", measured)
    assert status == 200
    assert not state["bad_data"]
    angles = np.array(made["node_targets"])[-1, :, 1]
    assert np.abs(np.array(state["angle_deg"]) - angles).max() < 1

    scale = loads[-1].sum() / 189.2  # the network's base load
    status, dispatch = service.post("/api/advanced/opf", {"n_buses": 30, "load_scale": scale})
    assert status == 200
    assert sum(dispatch["pg_mw"]) == pytest.approx(loads[-1].sum(), rel=1e-6)


def test_a_spoilt_measurement_is_found(service):
    """A meter that reads 50 MW too much is named, in the middle of sound ones."""
    made = service.post("/api/generate-data", {"n_steps": 1, "n_buses": 118, "seed": 3})[1]
    features, flows = np.array(made["node_features"][0]), np.array(made["edge_targets"][0])
    injections = features[:, 2] - features[:, 0]
    injections[77] += 50
    measured = {"n_buses": 118, "p_injection_mw": injections.tolist(), "p_flow_mw": flows[:, 0].tolist()}
    told = service.post("/api/advanced/state-estimation", measured)[1]
    assert told["bad_data"]
    assert told["suspect"] == {"kind": "p_injection_mw", "bus": 77}


def test_the_largest_set_arrives_whole(service):
    """21 MB in pieces: all steps, all buses, finite."""
    status, made = service.post("/api/generate-data", {"n_steps": 1000, "n_buses": 118, "seed": 1})
    assert status == 200
    assert np.array(made["node_targets"]).shape == (1000, 118, 2)
    assert np.isfinite(np.array(made["edge_targets"])).all()
    assert np.array(made["edge_targets"]).shape == (1000, 186, 4)
