"""Tests that fail together are one cluster."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from recloser.analytics.clusters import CUT, LEAST_FAILURES, clusters, co_failing
from tests.unit.analytics.planted import Nights


def test_tests_that_fail_in_the_same_runs_are_one_cluster() -> None:
    """Mostly the same runs suffices; twice is too few, and others stay apart."""
    nights = Nights()
    nights.run("a", "F..F..F..F..")
    nights.run("b", "F..F..F.....")
    nights.run("c", "F..F..F..FF.")
    nights.run("other", ".F..F..F....")
    nights.run("seldom", "F..F........")
    nights.run("healthy", "............")
    assert co_failing(nights.frame()) == ((("unit", "a"), ("unit", "b"), ("unit", "c")),)


def test_each_probe_is_a_run() -> None:
    """Two that fail in the same three probes of one night are one cluster."""
    nights = Nights()
    for test in ("a", "b"):
        for probe in ("same", "shuffled", "reversed"):
            nights.again(0, test, "F", probe=probe)
    assert co_failing(nights.frame()) == ((("unit", "a"), ("unit", "b")),)
    assert co_failing(nights.frame().iloc[:0]) == ()


@settings(deadline=None)
@given(st.lists(st.lists(st.booleans(), min_size=8, max_size=8), max_size=8))
def test_clusters_do_not_depend_on_the_order_of_runs(rows: list[list[bool]]) -> None:
    """No test is in two, each has failed often enough, and members are on the average near each other."""
    failures = np.array(rows, dtype=bool).reshape(-1, 8)
    found = clusters(failures)
    assert found == clusters(failures[:, ::-1])
    members = [row for cluster in found for row in cluster]
    assert len(members) == len(set(members))
    assert all(failures[row].sum() >= LEAST_FAILURES for row in members)
    for one, other in (cluster for cluster in found if len(cluster) == 2):
        both, either = failures[one] & failures[other], failures[one] | failures[other]
        assert 1 - both.sum() / either.sum() <= CUT
