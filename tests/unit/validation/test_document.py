"""Answers of a service: the contract, then the same rules as for datasets."""

import copy
from typing import Any

import numpy as np
import pytest

from recloser.grid import Dataset, inputs_sha256
from recloser.grid.dataset import EDGE_TARGETS, NODE_FEATURES, NODE_TARGETS
from recloser.validation import check_document

REQUEST = {"n_steps": 50, "n_buses": 14, "seed": 90_001}


@pytest.fixture
def answer(small: Dataset) -> dict[str, Any]:
    """What a good service answers to `REQUEST`."""
    return {
        "meta": REQUEST
        | {
            "node_feature_names": list(NODE_FEATURES),
            "node_target_names": list(NODE_TARGETS),
            "edge_target_names": list(EDGE_TARGETS),
            "network_sha256": small.network.network_sha256,
            "inputs_sha256": inputs_sha256([small.block.injections]),
        },
        "node_features": small.node_features.tolist(),
        "node_targets": small.node_targets.tolist(),
        "edge_targets": small.edge_targets.tolist(),
    }


def test_a_good_answer_holds(answer: dict[str, Any]) -> None:
    """With the slack masked among the features."""
    report = check_document("small", answer, REQUEST)
    assert report.holds, report.failed_rules()
    assert not report.failed_rules()


@pytest.mark.parametrize("document", [None, [], "text", 3, {}, {"meta": {}}])
def test_what_is_no_answer_fails(document: object) -> None:
    """The contract is judged, and nothing else is pretended."""
    report = check_document("small", document, REQUEST)
    assert report.failed_rules() == ("R36",)
    assert not report.holds


def _set(key: str, value: Any) -> Any:
    def change(document: dict[str, Any]) -> None:
        document[key] = value

    return change


def _meta(key: str, value: Any) -> Any:
    def change(document: dict[str, Any]) -> None:
        document["meta"][key] = value

    return change


def _ragged(document: dict[str, Any]) -> None:
    document["node_features"][3] = document["node_features"][3][:-1]


def _nan(document: dict[str, Any]) -> None:
    document["node_targets"][3][2][0] = float("nan")


def _text(document: dict[str, Any]) -> None:
    document["edge_targets"][3][2][0] = "much"


def _short(document: dict[str, Any]) -> None:
    for key in ("node_features", "node_targets", "edge_targets"):
        document[key] = document[key][:-1]


@pytest.mark.parametrize(
    "change",
    [
        _set("node_features", []),
        _set("node_features", {}),
        _set("node_targets", None),
        _set("edge_targets", [[[]]]),
        _set("meta", 7),
        _meta("seed", 1),
        _meta("n_steps", 51),
        _meta("node_feature_names", ["qd_mvar", "pd_mw", "pg_mw"]),
        _meta("network_sha256", "0" * 64),
        _meta("inputs_sha256", "0" * 64),
        _ragged,
        _nan,
        _text,
        _short,
    ],
)
def test_a_broken_contract_fails(answer: dict[str, Any], change: Any) -> None:
    """Whatever part of it."""
    changed = copy.deepcopy(answer)
    change(changed)
    assert "R36" in check_document("small", changed, REQUEST).failed_rules()


def test_physics_is_judged_as_well(answer: dict[str, Any]) -> None:
    """One voltage off by 1e-5 pu at a bus without a unit."""
    targets = np.array(answer["node_targets"])
    targets[7, 13, 0] += 1e-5
    failed = check_document("small", answer | {"node_targets": targets.tolist()}, REQUEST).failed_rules()
    assert "R21" in failed
