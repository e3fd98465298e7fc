"""Where to draw the buses: distances on the page as near as possible to the number of branches between two buses."""

import functools

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import shortest_path

ITERATIONS = 200


def positions(network):
    """Coordinates of all buses in 0..1, buses x 2; always the same for a network."""
    return _positions(network.n_buses, tuple(zip(*(end.tolist() for end in network.ends), strict=True)))


@functools.lru_cache(maxsize=8)
def _positions(n_buses, edges):
    start, end = np.array(edges).T
    graph = coo_array((np.ones(len(start)), (start, end)), shape=(n_buses, n_buses))
    hops = shortest_path(graph.tocsr(), directed=False, unweighted=True)
    return _within_the_page(_smooth(_spectral(hops), hops))


def _spectral(hops):
    """Classical scaling: the two strongest axes of the distances."""
    centred = -0.5 * (hops**2 - (hops**2).mean(0) - (hops**2).mean(1)[:, None] + (hops**2).mean())
    values, vectors = np.linalg.eigh(centred)
    return vectors[:, -2:] * np.sqrt(values[-2:])


def _smooth(places, hops):
    """Majorise the stress, near pairs weighing more (SMACOF with weights 1/d²)."""
    weights = np.where(hops > 0, 1 / np.maximum(hops, 1) ** 2, 0.0)
    laplacian = np.diag(weights.sum(axis=1)) - weights
    inverse = np.linalg.pinv(laplacian)
    for _ in range(ITERATIONS):
        apart = np.linalg.norm(places[:, None] - places[None], axis=2)
        pull = np.where(apart > 0, -weights * hops / np.where(apart > 0, apart, 1), 0.0)
        np.fill_diagonal(pull, -pull.sum(axis=1))
        places = inverse @ (pull @ places)
    return places


def _within_the_page(places):
    low, high = places.min(axis=0), places.max(axis=0)
    return (places - low) / (high - low)
