"""How fast and how large: measured, recorded as properties of the JUnit report, and printed with `-s`.

Nothing here fails for being slow: what is too slow is decided where many runs are compared, by the thresholds that
`recloser.toml` declares.
"""

import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

ROUNDS = 5
SETS = {"small": (50, 14), "medium": (200, 30), "large": (1000, 118)}


@pytest.fixture
def record(request):
    """Record a figure under its name and unit."""

    def record(name, value):
        # What `record_property` does, without its warning that the report is then not of the strictest kind.
        request.node.user_properties.append((name, round(value, 3)))
        print(f"{name} {value:.3f}")

    return record


def median_ms(ask):
    """Median time of some rounds, after one that warms up."""
    ask()
    times = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        ask()
        times.append(1e3 * (time.perf_counter() - begun))
    return statistics.median(times)


def answered(service, path, body):
    """Ask, and insist on an answer."""
    status, made = service.post(path, body)
    assert status == 200, made
    return made


def test_health(service, record):
    """The probe that is asked most often."""
    record("health_ms", median_ms(lambda: service.get("/api/health")))


@pytest.mark.parametrize("size", SETS)
def test_generate_data(service, record, size):
    """Request to parsed document."""
    n_steps, n_buses = SETS[size]
    body = {"n_steps": n_steps, "n_buses": n_buses, "seed": 1}
    record(f"generate_{size}_ms", median_ms(lambda: answered(service, "/api/generate-data", body)))


@pytest.mark.parametrize("size", SETS)
def test_models(service, record, size):
    """Forecast, estimate and dispatch on the loads of a set."""
    n_steps, n_buses = SETS[size]
    made = answered(service, "/api/generate-data", {"n_steps": n_steps, "n_buses": n_buses, "seed": 1})
    features, flows = np.array(made["node_features"]), np.array(made["edge_targets"])
    asked = {
        "forecasting": {"history": features[:, :, 0].tolist()},
        "state-estimation": {
            "n_buses": n_buses,
            "p_injection_mw": (features[-1, :, 2] - features[-1, :, 0]).tolist(),
            "p_flow_mw": flows[-1, :, 0].tolist(),
        },
        "opf": {"n_buses": n_buses},
    }
    for name, body in asked.items():
        record(f"{name}_{size}_ms", median_ms(lambda: answered(service, f"/api/advanced/{name}", body)))  # noqa: B023


def test_throughput(service, record):
    """Small sets a second, asked by eight clients at once; every one of them is answered."""
    body = {"n_steps": 50, "n_buses": 14, "seed": 1}
    begun = time.perf_counter()
    with ThreadPoolExecutor(8) as clients:
        made = list(clients.map(lambda _: answered(service, "/api/generate-data", body), range(64)))
    record("small_sets_per_s", len(made) / (time.perf_counter() - begun))
    assert all(one == made[0] for one in made)
