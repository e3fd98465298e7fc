"""Faults are read strictly, asked for with a token only, and do what they say."""

import pytest

from gridmodel import config
from gridmodel.faults import NO_FAULTS, Faults

DATA = "/api/generate-data"
SMALL = {"n_steps": 3, "n_buses": 14, "seed": 1}


def test_faults_are_read_as_written():
    """Names with or without values; nothing is no fault."""
    assert Faults.parse("") == NO_FAULTS
    read = Faults.parse("slow=0.5, error-every=3,nan,without-model=opf")
    assert read == Faults(slow=0.5, error_every=3, nan=True, without_model="opf")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lame", "unknown fault 'lame'; there are slow, error-every"),
        ("slow", "slow needs a positive number"),
        ("slow=soon", "slow needs a positive number"),
        ("slow=nan", "slow needs a positive number"),
        ("slow=-1", "slow needs a positive number"),
        ("error-every=0", "error-every needs a positive number"),
        ("error-every=1.5", "error-every needs a positive number"),
        ("without-model", "without-model needs a name"),
        ("nan=1", "nan takes no value"),
    ],
)
def test_a_misspelt_fault_is_refused(text, said):
    """At the start, with the variable's name: a fault that silently does not happen proves nothing."""
    with pytest.raises(config.ConfigError, match=f"GRIDMODEL_FAULTS: {said}"):
        config.read({"GRIDMODEL_FAULTS": text})


@pytest.mark.parametrize(
    ("token", "headers", "status", "reason"),
    [
        (None, {"X-Gridmodel-Faults": "nan"}, 403, "GRIDMODEL_ADMIN_TOKEN"),
        (None, {"X-Gridmodel-Faults": "nan", "X-Gridmodel-Token": ""}, 403, "X-Gridmodel-Token"),
        ("right", {"X-Gridmodel-Faults": "nan", "X-Gridmodel-Token": "wrong"}, 403, "X-Gridmodel-Token"),
        ("right", {"X-Gridmodel-Faults": "nan", "X-Gridmodel-Token": "é"}, 403, "X-Gridmodel-Token"),
        ("right", {"X-Gridmodel-Faults": "lame", "X-Gridmodel-Token": "right"}, 400, "unknown fault"),
        ("right", {"X-Gridmodel-Faults": "port-taken", "X-Gridmodel-Token": "right"}, 400, "when the service starts"),
    ],
)
def test_who_may_not_ask_is_refused(client_of, token, headers, status, reason):
    """Without a token in the environment nobody may; the token itself is in no answer."""
    answer = client_of(admin_token=token).post(DATA, json=SMALL, headers=headers)
    assert answer.status_code == status
    assert reason in answer.get_json()["reason"]
    assert b"right" not in answer.data


def test_a_fault_by_header_breaks_one_request(client_of):
    """The next one is sound again."""
    client = client_of(admin_token="t")
    broken = client.post(DATA, json=SMALL, headers={"X-Gridmodel-Faults": "nan", "X-Gridmodel-Token": "t"})
    assert broken.get_json()["node_features"][0][0][0] is None
    assert client.post(DATA, json=SMALL).get_json()["node_features"][0][0][0] == 0.0


def test_a_fault_of_the_environment_breaks_every_request(client_of):
    """And those of the header come on top."""
    client = client_of(admin_token="t", faults=Faults(wrong_shape=True))
    headers = {"X-Gridmodel-Faults": "nan", "X-Gridmodel-Token": "t"}
    for _ in range(2):
        made = client.post(DATA, json=SMALL, headers=headers).get_json()
        assert len(made["node_features"]) == 2
        assert made["node_features"][0][0][0] is None


def test_secrets_are_not_printed():
    """A configuration can be logged."""
    told = config.read({"GRIDMODEL_ADMIN_TOKEN": "hush", "GRIDMODEL_HISTORY_URL": "postgresql://u:hush@h/d"})
    assert "hush" not in repr(told)
    assert told.admin_token == "hush"
