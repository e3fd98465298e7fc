"""State estimation: the angles that explain measured injections and flows best, by weighted least squares on DC.

Two tests for bad data: chi-square on the sum of all squared residuals, and the largest residual in units of its own
standard deviation, which also names a suspect.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtri

from gridmodel.grid.network import susceptances

CONFIDENCE = 0.99
RESIDUAL_LIMIT = 5.0  # on 118 buses the DC approximation alone comes to 4.7, at one branch
SIGMA_MW = 3.0  # the DC approximation alone is wrong by this much


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """Angles relative to the slack's, what they explain, and what they do not.

    `normalised` holds all injections, then all flows; `objective` is the weighted sum of squared residuals.
    """

    angle_deg: np.ndarray
    p_injection_mw: np.ndarray
    p_flow_mw: np.ndarray
    normalised: np.ndarray
    objective: float
    dof: int

    @property
    def chi2_limit(self):
        return float(chdtri(self.dof, 1 - CONFIDENCE))

    @property
    def largest_normalised_residual(self):
        return float(np.abs(self.normalised).max())

    @property
    def bad_data(self):
        """Whether either test fails."""
        return self.objective > self.chi2_limit or self.largest_normalised_residual > RESIDUAL_LIMIT

    @property
    def suspect(self):
        """Kind and position of the measurement with the largest normalised residual; None on good data."""
        if not self.bad_data:
            return None
        worst, n_buses = int(np.abs(self.normalised).argmax()), len(self.angle_deg)
        if worst < n_buses:
            return {"kind": "p_injection_mw", "bus": worst}
        return {"kind": "p_flow_mw", "branch": worst - n_buses}


def estimate(network, *, p_injection_mw, p_flow_mw, sigma_mw=SIGMA_MW):
    """Estimate the state of a network.

    Args:
        network: The network that was measured.
        p_injection_mw: Production less consumption at each bus.
        p_flow_mw: Power into each branch at its from end.
        sigma_mw: Standard deviation of every measurement, the error of the DC approximation included.
    """
    dc = susceptances(network.n_buses)
    expected = np.concatenate([dc.fixed_mw, dc.shift_flow_mw])
    measured = np.concatenate([p_injection_mw, p_flow_mw])
    free = np.arange(network.n_buses) != network.slack
    basis, triangle = np.linalg.qr(np.vstack([dc.buses, dc.flows])[:, free])
    explained = basis @ (basis.T @ (measured - expected)) + expected
    angle = np.zeros(network.n_buses)
    angle[free] = np.linalg.solve(triangle, basis.T @ (measured - expected))
    # What is left of one unit of error in a measurement once it has pulled the estimate its way.
    sensitivity = np.sqrt(np.clip(1 - (basis**2).sum(axis=1), 1e-12, None))
    residual = (measured - explained) / sigma_mw
    return Estimate(
        angle_deg=np.degrees(angle),
        p_injection_mw=explained[: network.n_buses],
        p_flow_mw=explained[network.n_buses :],
        normalised=residual / sensitivity,
        objective=float(residual @ residual),
        dof=len(measured) - int(free.sum()),
    )
