"""Which models are ready: each is tried on a small problem when the service starts."""

import logging

import numpy as np

from gridmodel import estimation, forecasting, opf
from gridmodel.grid import dataset
from gridmodel.grid.network import CASES, load

logger = logging.getLogger(__name__)


class NotReadyError(Exception):
    """The model was not loaded when the service started."""


def _try_power_flow():
    for n_buses in CASES:
        dataset.generate(load(n_buses), n_steps=1, seed=0)


def _try_forecasting():
    forecasting.forecast(np.arange(12.0).reshape(6, 2) ** 2, steps=1)


def _try_estimation():
    for n_buses in CASES:
        network = load(n_buses)
        estimation.estimate(network, p_injection_mw=np.zeros(n_buses), p_flow_mw=np.zeros(len(network.branches)))


def _try_opf():
    opf.dispatch(load(14), load_scale=1.0)


MODELS = {
    "power-flow": _try_power_flow,
    "forecasting": _try_forecasting,
    "state-estimation": _try_estimation,
    "opf": _try_opf,
}


def prepare(without=""):
    """Try all models but `without`; name -> whether it is ready.

    Raises:
        ValueError: There is no model called `without`.
    """
    if without and without not in MODELS:
        raise ValueError(f"there is no model {without!r}; there are {', '.join(MODELS)}")
    return {name: name != without and _works(name) for name in MODELS}


def _works(name):
    try:
        MODELS[name]()
    except Exception:
        logger.exception("model %s cannot be used", name)
        return False
    return True
