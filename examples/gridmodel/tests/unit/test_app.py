"""The service over HTTP, in this process: every request is answered, or refused with one clear reason."""

import json

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridmodel import models

DATA, FORECAST = "/api/generate-data", "/api/advanced/forecasting"
ESTIMATION, OPF = "/api/advanced/state-estimation", "/api/advanced/opf"
SMALL = {"n_steps": 3, "n_buses": 14, "seed": 1}
HISTORY = [[1.0, 5.0], [2.0, 4.0], [3.0, 6.0], [2.0, 5.0], [2.5, 5.5]]
MEASURED = {"n_buses": 14, "p_injection_mw": [0.0] * 14, "p_flow_mw": [0.0] * 20}


def test_health_tells_readiness(client):
    """Status, uptime, every model."""
    told = client.get("/api/health").get_json()
    assert told["status"] == "ok"
    assert told["uptime_s"] >= 0
    assert told["models"] == dict.fromkeys(models.MODELS, "ready")
    assert told["history"] == "off"


def test_data_has_the_shape_asked_for(post):
    """Steps x buses x features, and what the numbers are."""
    status, made = post(DATA, SMALL)
    assert status == 200
    assert [len(made["node_features"]), len(made["node_features"][0]), len(made["node_features"][0][0])] == [3, 14, 3]
    assert [len(made["edge_targets"]), len(made["edge_targets"][0]), len(made["edge_targets"][0][0])] == [3, 20, 4]
    assert [len(ends) for ends in made["edge_index"]] == [20, 20]
    assert len(made["edge_features"]) == 20
    assert made["meta"]["seed"] == 1


def test_a_large_answer_in_pieces_is_the_same_text(client, monkeypatch):
    """What is streamed reads as what is sent whole."""
    whole = client.post(DATA, json=SMALL)
    monkeypatch.setattr("gridmodel.app.STREAM_NUMBERS", 10)
    monkeypatch.setattr("gridmodel.app.PIECE_ROWS", 2)
    streamed = client.post(DATA, json=SMALL)
    assert streamed.content_length is None
    assert streamed.data == whole.data


def test_a_forecast_has_the_steps_asked_for(post):
    """Five by default; the method can be chosen."""
    status, made = post(FORECAST, {"history": HISTORY})
    assert status == 200
    assert [len(made["forecast"]), len(made["forecast"][0])] == [5, 2]
    assert (made["lag_order"], made["method"], made["stable"]) == (3, "ridge", True)
    assert post(FORECAST, {"history": HISTORY, "steps": 2, "method": "least_squares"})[1]["method"] == "least_squares"


def test_an_estimate_names_no_suspect_on_a_dead_grid(post):
    """Without loads, shunts aside, all is at rest."""
    status, made = post(ESTIMATION, MEASURED)
    assert status == 200
    assert made["suspect"] is None
    assert len(made["angle_deg"]) == 14
    assert len(made["normalised_flow_residuals"]) == 20


def test_a_dispatch_is_costed(post):
    """At linear costs every MW of the 14 buses costs 20."""
    status, made = post(OPF, {"n_buses": 14})
    assert status == 200
    assert made["cost"] == pytest.approx(20 * 259)
    assert made["status"] == "optimal"


def test_an_infeasible_dispatch_is_told_from_a_bad_request(post):
    """422, with the load that could not be served."""
    status, told = post(OPF, {"n_buses": 30, "load_scale": 10})
    assert status == 422
    assert "1892.0 MW" in told["reason"]


@pytest.mark.parametrize(
    ("path", "body", "reason"),
    [
        (DATA, "", "not JSON"),
        (DATA, "{", "not JSON"),
        (DATA, b"\xff\xfe", "not JSON"),
        (DATA, '{"n_steps": NaN, "n_buses": 14}', "not JSON"),
        (DATA, "[" * 100_000, "not JSON"),
        (DATA, [], "must be a JSON object with n_steps, n_buses, seed"),
        (DATA, None, "must be a JSON object"),
        (DATA, {}, "n_steps is missing"),
        (DATA, {"n_steps": 5}, "n_buses is missing"),
        (DATA, SMALL | {"n_steps": 0}, "n_steps must be an integer from 1 to 20000"),
        (DATA, SMALL | {"n_steps": 20_001}, "n_steps"),
        (DATA, SMALL | {"n_steps": 10**30}, "n_steps"),
        (DATA, SMALL | {"n_steps": True}, "n_steps"),
        (DATA, SMALL | {"n_steps": 5.0}, "n_steps"),
        (DATA, SMALL | {"n_steps": "5"}, "n_steps"),
        (DATA, SMALL | {"n_buses": 57}, "n_buses"),
        (DATA, SMALL | {"n_buses": [14]}, "n_buses"),
        (DATA, SMALL | {"seed": -1}, "seed"),
        (DATA, SMALL | {"seed": None}, "seed"),
        (DATA, SMALL | {"sead": 1}, "unknown field 'sead'"),
        (FORECAST, {}, "history is missing"),
        (FORECAST, {"history": 5}, "list of rows"),
        (FORECAST, {"history": [1, 2, 3, 4]}, "list of rows"),
        (FORECAST, {"history": [[1.0]] * 3}, "4 to 20000 rows, not 3"),
        (FORECAST, {"history": [[]] * 4}, "1 to 400 numbers, not 0"),
        (FORECAST, {"history": [[0.0] * 401] * 4}, "1 to 400 numbers, not 401"),
        (FORECAST, {"history": [[1.0], [1.0], [1.0], [1.0, 2.0]]}, "equally long, not 1 to 2"),
        (FORECAST, {"history": [[1.0], [None], [1.0], [1.0]]}, "row 1 of history must hold numbers only"),
        (FORECAST, {"history": [[1.0], [True], [1.0], [1.0]]}, "numbers only"),
        (FORECAST, {"history": [[1.0], [1e10], [1.0], [1.0]]}, "between -1e9 and 1e9"),
        (FORECAST, {"history": HISTORY, "steps": 97}, "steps must be an integer from 1 to 96"),
        (FORECAST, {"history": HISTORY, "method": "magic"}, "method must be one of ridge, least_squares"),
        (FORECAST, {"history": HISTORY, "method": ["ridge"]}, "method must be one of"),
        (ESTIMATION, MEASURED | {"p_flow_mw": [0.0] * 19}, "a list of 20 numbers, one per branch"),
        (ESTIMATION, MEASURED | {"p_injection_mw": {"0": 1}}, "a list of 14 numbers, one per bus"),
        (ESTIMATION, MEASURED | {"sigma_mw": 0}, "sigma_mw must be a number above"),
        (OPF, {"n_buses": 14, "load_scale": 0}, "load_scale must be a number above 0 and at most 10"),
        (OPF, {"n_buses": 14, "load_scale": "1"}, "load_scale"),
        (OPF, {"n_buses": 14, "costs": None}, "costs must be one of linear, quadratic"),
    ],
)
def test_a_bad_request_is_refused_with_its_reason(post, path, body, reason):
    """400, and a sentence that names the field."""
    status, told = post(path, body)
    assert (status, told["error"]) == (400, "bad request")
    assert reason in told["reason"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
FIELDS = ["n_steps", "n_buses", "seed", "history", "steps", "method", "sigma_mw", "load_scale", "costs"]


@settings(max_examples=200, deadline=None)
@given(
    path=st.sampled_from([DATA, FORECAST, ESTIMATION, OPF]),
    body=JSON | st.dictionaries(st.sampled_from(FIELDS), JSON | st.sampled_from([14, 30, 1, 5]), max_size=4),
)
def test_no_request_breaks_the_service(post, path, body):
    """Whatever is sent is answered or refused; nothing is a failure of the service."""
    status, told = post(path, json.dumps(body))
    assert status in {200, 400, 422}
    assert status == 200 or set(told) == {"error", "reason"}


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/api/network?n_buses=15", "n_buses must be one of 14, 30, 118"),
        ("/api/network?n_buses=-14", "n_buses must be an integer"),
        ("/api/network?n_buses=" + "9" * 5000, "n_buses must be an integer"),
    ],
)
def test_a_bad_query_is_refused(client, path, reason):
    """As a bad body is."""
    answer = client.get(path)
    assert answer.status_code == 400
    assert reason in answer.get_json()["reason"]


def test_a_network_can_be_drawn(client):
    """Places for all buses, ends of all branches; 14 buses by default."""
    assert client.get("/api/network").get_json()["case"] == "case14"
    drawn = client.get("/api/network?n_buses=30").get_json()
    assert len(drawn["positions"]) == 30
    assert len(drawn["from_bus"]) == len(drawn["to_bus"]) == len(drawn["rate_mva"]) == 41


@pytest.mark.parametrize("path", ["/", "/api", "/api/generate-data/", "/api/../etc/passwd", "/api/%00"])
def test_an_unknown_path_is_404(client, path):
    """In JSON, with a way on."""
    answer = client.get(path)
    assert answer.status_code == 404
    assert "openapi.json" in answer.get_json()["reason"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("GET", DATA, "POST"), ("PUT", OPF, "POST"), ("OPTIONS", OPF, "POST"), ("POST", "/api/health", "GET, HEAD")],
)
def test_a_wrong_method_is_405(client, method, path, allowed):
    """With what is allowed instead, in the header and in the reason."""
    answer = client.open(path, method=method)
    assert answer.status_code == 405
    assert ", ".join(sorted(answer.headers["Allow"].split(", "))) == allowed
    assert allowed in answer.get_json()["reason"]


def test_a_large_body_is_413(client_of):
    """Under any server."""
    answer = client_of(max_body_mb=1).post(DATA, data=b"x" * (2**20 + 1))
    assert answer.status_code == 413
    assert answer.get_json()["error"] == "request entity too large"


def test_history_that_is_off_says_so(client):
    """404, and how to switch it on."""
    answer = client.get("/api/history")
    assert answer.status_code == 404
    assert "GRIDMODEL_HISTORY_URL" in answer.get_json()["reason"]


def test_a_failure_of_the_service_tells_strangers_nothing(client_of, monkeypatch, caplog):
    """500 without a word of the cause; the log has it."""

    def broken(*_, **__):
        raise KeyError("a secret")

    monkeypatch.setattr("gridmodel.opf.dispatch", broken)
    client = client_of()
    answer = client.post(OPF, json={"n_buses": 14})
    # The models are tried when the service starts, so that this one is known not to work before it is asked.
    assert answer.status_code == 503
    monkeypatch.undo()
    client = client_of()
    monkeypatch.setattr("gridmodel.opf.dispatch", broken)
    answer = client.post(OPF, json={"n_buses": 14})
    assert answer.status_code == 500
    assert b"secret" not in answer.data
    assert "a secret" in caplog.text


def test_numbers_that_are_none_leave_no_answer_unnoticed(post):
    """An answer holds finite numbers only: no value is `null` but the suspect."""
    for path, body in [(DATA, SMALL), (FORECAST, {"history": HISTORY}), (OPF, {"n_buses": 118})]:
        assert b"null" not in orjson.dumps(post(path, body)[1])
