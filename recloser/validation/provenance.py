"""What a dataset says of itself against what it is: hashes, network, manifest, and the table of units."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from recloser.grid import Injections, inputs_sha256, registered_cases
from recloser.grid.loads import BIT_GENERATOR, STREAMS, quantise
from recloser.grid.manifest import SCHEMA_VERSION, Manifest
from recloser.grid.physics import loading_pct
from recloser.validation.facts import NotApplicableError
from recloser.validation.physics_columns import magnitude
from recloser.values import utc_now

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recloser.grid.columns import Floats
    from recloser.validation.facts import Facts

_LARGEST_KW = 1e12
_CLOCKS_DIFFER = timedelta(hours=1)


def input_hash(facts: Facts) -> Mapping[str, float]:
    """Whether the inputs hash to what the manifest names: 0, or 1 when they do not."""
    manifest = _manifest(facts)
    inputs = [facts.finite("node", name) for name in ("pd_mw", "qd_mvar", "pg_mw")]
    if max(float(np.abs(values).max(initial=0)) for values in inputs) > _LARGEST_KW:
        return {"inputs_differ": 1.0}
    pd_kw, qd_kvar, pg_kw = map(quantise, inputs)
    pg_kw[:, facts.network.slack_bus] = 0
    return {"inputs_differ": float(inputs_sha256([Injections(0, pd_kw, qd_kvar, pg_kw)]) != manifest.inputs_sha256)}


def network_hash(facts: Facts) -> Mapping[str, float]:
    """How many of the manifest and the dataset's own copy do not name the registered network."""
    registered = registered_cases()[facts.subject.case].network_sha256
    named = [facts.subject.own_network_sha256]
    if facts.subject.manifest is not None:
        named.append(facts.subject.manifest.case.network_sha256)
    found = [name for name in named if name is not None]
    if not found:
        raise NotApplicableError("neither a manifest nor a copy of the network is there")
    return {"networks_differ": float(sum(name != registered for name in found))}


def files(facts: Facts) -> Mapping[str, float]:
    """How many files are not the ones the manifest names."""
    _manifest(facts)
    return {"files_differ": float(len(facts.subject.damaged_files))}


def claims(facts: Facts) -> Mapping[str, float]:
    """How many statements of the manifest contradict each other or what is known."""
    manifest = _manifest(facts)
    request = manifest.request
    rows = {name: facts.n_steps * facts.subject.width(name) for name in ("node", "edge", "gen")}
    contradictions = [
        manifest.schema_version != SCHEMA_VERSION,
        manifest.case.name != request.case,
        manifest.case.base_mva != facts.network.base_mva,
        request.n_buses != facts.network.n_buses,
        facts.subject.request is not None and manifest.dataset_id != request.dataset_id,
        manifest.rng.bit_generator != BIT_GENERATOR or manifest.rng.spawn != STREAMS,
        any(output.rows != rows.get(name.partition(".")[0]) for name, output in manifest.outputs.items()),
        manifest.created_utc > utc_now() + _CLOCKS_DIFFER,
        not {"node", "edge"} <= {name.partition(".")[0] for name in manifest.outputs},
    ]
    return {"contradictions": float(sum(contradictions))}


def fingerprint(facts: Facts) -> Mapping[str, float]:
    """The largest distance of the manifest's fingerprint from the tables', relative to its size."""
    stated = _manifest(facts).fingerprint
    pd, vm_pu = facts.finite("node", "pd_mw"), facts.finite("node", "vm_pu")
    pf, pt = facts.finite("edge", "pf_mw"), facts.finite("edge", "pt_mw")
    facts.finite("edge", "qf_mvar"), facts.finite("edge", "qt_mvar")
    found = {
        "sum_pd_mw": pd.sum(),
        "sum_loss_mw": (pf + pt).sum(),
        "min_vm_pu": vm_pu.min(),
        "max_vm_pu": vm_pu.max(),
        "max_loading_pct": loading_pct(facts.network, facts.flows).max(),
        "mean_abs_pf_mw": np.abs(pf).mean(),
    }
    off = [abs(getattr(stated, name) - value) / max(abs(value), 1e-3) for name, value in found.items()]
    return {"fingerprint_err": float(magnitude(np.array(off)).max())}


def unit_rows(facts: Facts) -> Mapping[str, Floats]:
    """The table of units less the table of buses, MW and Mvar, [T, G]."""
    at = facts.network.generators.bus
    p_off = facts.array("gen", "pg_mw") - facts.array("node", "pg_mw")[:, at]
    q_off = facts.array("gen", "qg_mvar") - facts.array("node", "qg_mvar")[:, at]
    return {"gen_diff_mva": magnitude(np.maximum(magnitude(p_off), magnitude(q_off)))}


def stated_residuals(facts: Facts) -> Mapping[str, float]:
    """The largest residual the manifest itself admits, MW or Mvar."""
    stated = _manifest(facts).residuals
    return {"stated_residual": float(magnitude(np.array(list(stated.model_dump().values()))).max())}


def _manifest(facts: Facts) -> Manifest:
    if facts.subject.manifest is None:
        raise NotApplicableError("there is no manifest")
    return facts.subject.manifest
