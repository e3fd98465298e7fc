"""What the service answers, endpoint by endpoint: checked request in, dictionary of numbers and arrays out.

It knows nothing of Flask. What is given back first in a dictionary is what the endpoint is for.
"""

import logging
import time
from dataclasses import asdict, dataclass, field

from gridmodel import __version__, estimation, forecasting, inputs, models, opf
from gridmodel.config import Config
from gridmodel.faults import Damage
from gridmodel.grid import dataset, layout
from gridmodel.grid.network import load
from gridmodel.history import History

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Service:
    """One running service: what it was told, which models are ready, what it remembers."""

    config: Config
    ready: dict
    history: History | None
    damage: Damage = field(default_factory=Damage)
    started: float = field(default_factory=time.monotonic)

    @classmethod
    def start(cls, config):
        """Prepare the models and the history.

        Raises:
            ValueError: A fault names a model that does not exist.
        """
        history = History(config.history_url) if config.history_url else None
        return cls(config, models.prepare(config.faults.without_model), history)

    def need(self, model):
        """Raise `NotReadyError` unless the model is ready."""
        if not self.ready[model]:
            raise models.NotReadyError(f"the model {model} is not ready")


def health(service):
    """Status, uptime and readiness: `ok`, or `degraded` when something asked for is missing."""
    remembered = service.history.state() if service.history else "off"
    well = all(service.ready.values()) and remembered != "unavailable"
    return {
        "status": "ok" if well else "degraded",
        "version": __version__,
        "uptime_s": round(time.monotonic() - service.started, 3),
        "models": {name: "ready" if ready else "missing" for name, ready in service.ready.items()},
        "history": remembered,
    }


def network(n_buses):
    """A network to draw: where its buses lie on the unit square, what connects them, where the units are."""
    grid = load(n_buses)
    start, end = grid.ends
    return {
        "positions": layout.positions(grid),
        "case": grid.name,
        "n_buses": n_buses,
        "slack": grid.slack,
        "ext_id": grid.buses["ext_id"].to_numpy(),
        "from_bus": start,
        "to_bus": end,
        "rate_mva": grid.branches["rate_mva"].to_numpy(),
        "unit_bus": grid.generators["bus"].to_numpy(),
    }


def generate_data(service, faults, body):
    """Make a data set; gives what was asked, the document, and what history keeps of it."""
    service.need("power-flow")
    asked = inputs.dataset_request(body)
    made = service.damage.remembered(faults, (asked.n_steps, asked.n_buses), lambda: _dataset(asked, faults))
    return asdict(asked), made, {key: made["meta"][key] for key in ("case", "iters", "inputs_sha256")}


def _dataset(asked, faults):
    grid = load(asked.n_buses)
    solved_on = grid.without_charging() if faults.lost_charging else None
    made = dataset.generate(grid, n_steps=asked.n_steps, seed=asked.seed, solved_on=solved_on)
    return {name: getattr(made, name) for name in made.__slots__}


def forecast(service, faults, body):
    """Continue a history."""
    service.need("forecasting")
    asked = inputs.forecast_request(body)
    method = asked.method or ("least_squares" if faults.unstable_var else "ridge")
    made = forecasting.forecast(asked.history, steps=asked.steps, method=method)
    told = {
        "steps": asked.steps,
        "lag_order": forecasting.LAG_ORDER,
        "method": made.method,
        "companion_root": made.companion_root,
        "stable": made.stable,
    }
    shape = {"rows": len(asked.history), "series": asked.history.shape[1], "steps": asked.steps}
    return shape, {"forecast": made.values, "sigma": made.sigma, **told}, told


def estimate_state(service, _faults, body):
    """Estimate angles from measurements, and test the measurements."""
    service.need("state-estimation")
    asked = inputs.estimation_request(body, lambda n_buses: len(load(n_buses).branches))
    made = estimation.estimate(
        load(asked.n_buses),
        p_injection_mw=asked.p_injection_mw,
        p_flow_mw=asked.p_flow_mw,
        sigma_mw=asked.sigma_mw,
    )
    told = {
        "objective": made.objective,
        "dof": made.dof,
        "chi2_limit": made.chi2_limit,
        "largest_normalised_residual": made.largest_normalised_residual,
        "residual_limit": estimation.RESIDUAL_LIMIT,
        "bad_data": made.bad_data,
        "suspect": made.suspect,
    }
    arrays = {
        "angle_deg": made.angle_deg,
        "p_injection_mw": made.p_injection_mw,
        "p_flow_mw": made.p_flow_mw,
        "normalised_injection_residuals": made.normalised[: asked.n_buses],
        "normalised_flow_residuals": made.normalised[asked.n_buses :],
    }
    return {"n_buses": asked.n_buses, "sigma_mw": asked.sigma_mw}, arrays | told, told


def optimal_power_flow(service, _faults, body):
    """Dispatch the units at least cost."""
    service.need("opf")
    asked = inputs.dispatch_request(body)
    made = opf.dispatch(load(asked.n_buses), load_scale=asked.load_scale, costs=asked.costs)
    told = {"status": "optimal", "cost": made.cost, "load_mw": made.load_mw, "costs": asked.costs}
    arrays = {"pg_mw": made.pg_mw, "p_flow_mw": made.p_flow_mw, "price_per_mwh": made.price}
    return asdict(asked), arrays | told, told
