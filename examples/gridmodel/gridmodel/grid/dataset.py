"""One data set: loads, dispatch and the power flow they lead to, as the document the service answers with."""

import hashlib
from dataclasses import dataclass

import numpy as np

from gridmodel import __version__
from gridmodel.grid import loads, powerflow
from gridmodel.grid.network import BASE_MVA

SCHEMA_VERSION = "1.0"
NODE_FEATURES = ["pd_mw", "qd_mvar", "pg_mw"]
NODE_TARGETS = ["vm_pu", "va_deg"]
EDGE_TARGETS = ["pf_mw", "qf_mvar", "pt_mw", "qt_mvar"]
EDGE_FEATURES = ["r_pu", "x_pu", "b_pu", "tap", "rate_mva"]
UNITS = {"pd": "MW", "qd": "Mvar", "pg": "MW", "vm": "pu", "va": "deg", "pf": "MW", "qf": "Mvar"}


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """The document, part by part; arrays are steps x (buses or branches) x features."""

    meta: dict
    node_features: np.ndarray
    node_targets: np.ndarray
    edge_targets: np.ndarray
    edge_index: np.ndarray
    edge_features: np.ndarray


def generate(network, *, n_steps, seed, solved_on=None):
    """Make a data set; the same arguments give the same inputs on any machine.

    Args:
        network: The network the set is about.
        n_steps: Quarters of an hour.
        seed: Any integer from 0.
        solved_on: The network the power flow believes in, when that is another one.

    Raises:
        DivergedError: Some step has no power flow.
    """
    made = loads.make(network, n_steps, seed)
    solution = powerflow.solve(solved_on or network, made.pg_mw - made.pd_mw, -made.qd_mvar)
    pg_mw = made.pg_mw.copy()
    pg_mw[:, network.slack] = solution.p_mw[:, network.slack] + made.pd_mw[:, network.slack]
    return Dataset(
        meta=_meta(network, made, solution, n_steps=n_steps, seed=seed),
        node_features=_last_axis(made.pd_mw, made.qd_mvar, pg_mw),
        node_targets=_last_axis(solution.vm_pu, solution.va_deg),
        edge_targets=_last_axis(*(getattr(solution, name) for name in EDGE_TARGETS)),
        edge_index=np.stack(network.ends),
        edge_features=np.ascontiguousarray(network.branches[EDGE_FEATURES].to_numpy()),
    )


def _last_axis(*features):
    # Contiguous row by row, as it is written to JSON.
    return np.ascontiguousarray(np.stack(features, axis=2))


def _meta(network, made, solution, *, n_steps, seed):
    return {
        "schema_version": SCHEMA_VERSION,
        "generator": f"gridmodel {__version__}",
        "case": network.name,
        "n_steps": n_steps,
        "n_buses": network.n_buses,
        "n_edges": len(network.branches),
        "seed": seed,
        "dt_min": int(60 * loads.STEP_H),
        "t0": f"{loads.START}Z",
        "base_mva": BASE_MVA,
        "solver": "chord-newton",
        "iters": solution.iterations,
        "node_feature_names": NODE_FEATURES,
        "node_target_names": NODE_TARGETS,
        "edge_target_names": EDGE_TARGETS,
        "edge_feature_names": EDGE_FEATURES,
        "units": UNITS,
        "inputs_sha256": inputs_sha256(made, network.slack),
        "network_sha256": network.sha256(),
    }


def inputs_sha256(made, slack):
    """Hash of the loads and the dispatch in whole kW; the slack's power is a result and counts as 0."""
    pg_mw = made.pg_mw.copy()
    pg_mw[:, slack] = 0.0
    digest = hashlib.sha256()
    for power in (made.pd_mw, made.qd_mvar, pg_mw):
        digest.update(np.rint(loads.KW_PER_MW * power).astype("<i8").tobytes())
    return digest.hexdigest()
