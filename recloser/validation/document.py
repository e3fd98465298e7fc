"""The answer of a service that generates grid datasets: its contract first (R36), then the rules of datasets.

Source of the contract: the project's reference on grid data, section 2.3. What a document does not hold follows from
its flows: reactive production, loading, and the slack's production where it is masked.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from recloser.grid import Block, Flows, Injections, Network, State, frames, inputs_sha256, load_network, physics
from recloser.grid import registered_cases as cases
from recloser.grid.dataset import EDGE_TARGETS, NODE_FEATURES, NODE_TARGETS
from recloser.grid.loads import quantise
from recloser.validation.facts import Subject
from recloser.validation.findings import Finding, Gate, Report
from recloser.validation.findings import State as Outcome
from recloser.validation.grid_check import check_subject
from recloser.values import utc_now

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recloser.grid.columns import Floats

_LARGEST_MW = 1e9
_NAMES = {"node_features": NODE_FEATURES, "node_targets": NODE_TARGETS, "edge_targets": EDGE_TARGETS}
_NAMED = {
    "node_feature_names": NODE_FEATURES,
    "node_target_names": NODE_TARGETS,
    "edge_target_names": EDGE_TARGETS,
}


class _BrokenContractError(Exception):
    """The answer cannot be taken as arrays; the message says why."""


def check_document(name: str, document: object, request: Mapping[str, Any]) -> Report:
    """Judge what a service answered to a request for a dataset.

    Args:
        name: What the answer is called.
        document: The answer, parsed.
        request: What was asked for: `n_steps`, `n_buses` and, if it was, `seed`.
    """
    started = time.perf_counter()
    try:
        network, arrays, meta = _arrays(document, request)
    except _BrokenContractError as error:
        return _broken(name, [str(error)], started)
    subject = _subject(name, network, arrays)
    report = check_subject(subject)
    contract = _contract_finding(_contradictions(meta, arrays, network, request))
    return report.model_copy(
        update={
            "kind": "answer of a service",
            "findings": (contract, *report.findings),
            "duration_s": round(time.perf_counter() - started, 3),
        }
    )


def _arrays(document: object, request: Mapping[str, Any]) -> tuple[Network, dict[str, Floats], dict[str, Any]]:
    if not isinstance(document, dict):
        raise _BrokenContractError("the answer is no JSON object")
    if missing := [key for key in ("meta", *_NAMES) if key not in document]:
        raise _BrokenContractError(f"the answer has no {', '.join(missing)}")
    network = _network(request.get("n_buses"))
    widths = {"node_features": network.n_buses, "node_targets": network.n_buses, "edge_targets": network.n_branches}
    found = {}
    for key, names in _NAMES.items():
        shape = (request.get("n_steps"), widths[key], len(names))
        found[key] = _array(key, document[key], shape)
    meta = document["meta"]
    return network, found, meta if isinstance(meta, dict) else {}


def _network(n_buses: object) -> Network:
    for case in cases():
        if load_network(case).n_buses == n_buses:
            return load_network(case)
    raise _BrokenContractError(f"no registered network has {n_buses!r} buses")


def _array(key: str, values: object, shape: tuple[Any, ...]) -> Floats:
    try:
        array = np.array(values, dtype=np.float64) if isinstance(values, list) else np.empty(0)
    except (TypeError, ValueError, OverflowError):
        raise _BrokenContractError(f"{key} is no rectangular array of numbers") from None
    if array.shape != shape:
        raise _BrokenContractError(f"{key} has the shape {list(array.shape)} instead of {list(shape)}")
    if not np.isfinite(array).all():
        raise _BrokenContractError(f"{key} holds {int((~np.isfinite(array)).sum())} values that are no finite numbers")
    return array


def _contradictions(
    meta: dict[str, Any], arrays: dict[str, Floats], network: Network, request: Mapping[str, Any]
) -> list[str]:
    said = [f"meta.{key} is not {', '.join(names)}" for key, names in _NAMED.items() if meta.get(key) != list(names)]
    said += [
        f"meta.{key} is {str(meta.get(key))[:60]} instead of {value}"
        for key, value in request.items()
        if key in {"n_steps", "n_buses", "seed"} and meta.get(key) != value
    ]
    if meta.get("network_sha256") != network.network_sha256:
        said.append("meta.network_sha256 is not that of the registered network")
    if meta.get("inputs_sha256") != _inputs_sha256(arrays["node_features"], network):
        said.append("the inputs do not have the hash that meta.inputs_sha256 names")
    return said


def _inputs_sha256(features: Floats, network: Network) -> str:
    if not features.size or np.abs(features).max() > _LARGEST_MW:
        return ""
    pd_kw, qd_kvar, pg_kw = (quantise(features[:, :, number]) for number in range(len(NODE_FEATURES)))
    pg_kw[:, network.slack_bus] = 0
    return inputs_sha256([Injections(0, pd_kw, qd_kvar, pg_kw)])


def _subject(name: str, network: Network, arrays: dict[str, Floats]) -> Subject:
    pd_mw, qd_mvar, pg_mw = np.moveaxis(arrays["node_features"], -1, 0)
    vm_pu, va_deg = np.moveaxis(arrays["node_targets"], -1, 0)
    flows = Flows(*np.moveaxis(arrays["edge_targets"], -1, 0))
    p_mw, q_mvar = physics.bus_injections(network, vm_pu, flows)
    slack, units = network.slack_bus, network.generators.bus
    pg_mw, qg_mvar = pg_mw.copy(), np.zeros_like(pd_mw)
    if not pg_mw[:, slack].any():
        pg_mw[:, slack] = p_mw[:, slack] + pd_mw[:, slack]
    qg_mvar[:, units] = q_mvar[:, units] + qd_mvar[:, units]
    state = State(pd_mw, qd_mvar, pg_mw, qg_mvar, vm_pu, va_deg, flows)
    block = Block(network=network, injections=Injections(0, *(np.zeros(pd_mw.shape, dtype=np.int64),) * 3), state=state)
    node, edge = (frames.to_frame(columns(block)) for columns in (frames.node_columns, frames.edge_columns))
    return Subject(name=name, case=network.name, n_steps=len(pd_mw), node=node, edge=edge)


def _contract_finding(said: list[str]) -> Finding:
    return Finding(
        rule="R36",
        title="the answer is what the contract says",
        gate=Gate.CRITICAL,
        state=Outcome.FAILED if said else Outcome.PASSED,
        message="; ".join(said),
        count=len(said),
        of=len(_NAMES) + len(_NAMED),
    )


def _broken(name: str, said: list[str], started: float) -> Report:
    return Report(
        subject=name,
        kind="answer of a service",
        created_utc=utc_now(),
        facts={},
        findings=(_contract_finding(said),),
        judges=("numpy",),
        duration_s=round(time.perf_counter() - started, 3),
    )
