"""What the process does that hands out tests to xdist's workers."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from .collecting import groups_file
from .scheduler import LongestFirst

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .journal import Journal
    from .orders import Orders

OURS = {"load", "loadfile", "loadgroup", "loadscope", "worksteal"}
"""Modes of xdist that say what belongs together, which is kept; `each` is left to xdist."""
STILLBORN = 3
"""How many workers may die one after the other before a test has run in one of them."""


class Controller:
    """xdist's hooks."""

    def __init__(self, journal: Journal, orders: Orders, dsession: Any) -> None:
        """Nothing has been collected; `dsession` is xdist's, to be stopped."""
        self._journal = journal
        self._orders = orders
        self._dsession = dsession
        self._has_collected = False
        self._stillborn = 0

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Hand the orders on; of the durations only this process has a use."""
        node.workerinput["recloser"] = json.dumps(self._orders.told | {"durations": {}})

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config) -> LongestFirst | None:
        """Our order of tests, within what the mode keeps together."""
        mode = config.getvalue("dist")
        if mode not in OURS:
            return None
        workers = len(config.getvalue("tx"))
        return LongestFirst(workers, self._orders.durations, _Groups(self._orders, mode), _Difference(config))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """What there is; every worker says the same."""
        if not self._has_collected:
            self._has_collected = True
            self._journal.write("collected", ids=list(ids))

    def pytest_runtest_logstart(self) -> None:
        """A worker has come so far."""
        self._stillborn = 0

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """A worker has ended, or died; without a limit, one that dies at its start would be replaced for ever."""
        if not error:
            return
        self._journal.write("down", at=time.time(), worker=node.gateway.id, error=str(error)[:1000])
        self._stillborn += 1
        if self._stillborn >= STILLBORN:
            self._dsession.shouldstop = f"{STILLBORN} workers died one after the other before a test ran in one of them"


class _Groups:
    """What belongs together, as the mode of xdist says, and by the fixtures that the worker saw."""

    def __init__(self, orders: Orders, mode: str) -> None:
        self._orders = orders
        self._mode = mode

    def __call__(self, node: Any, ids: Sequence[str]) -> list[str | None]:
        if self._mode == "loadfile":
            return ["=" + test_id.split("::", 1)[0] for test_id in ids]
        if self._mode == "loadscope":
            return ["=" + test_id.rsplit("::", 1)[0] for test_id in ids]
        try:
            text = groups_file(self._orders.folder, node.gateway.id).read_text(encoding="utf-8")
        except OSError:
            return [None] * len(ids)
        return list(json.loads(text))


class _Difference:
    """Reports a worker that has not collected what the first has, as xdist would."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def __call__(self, node: Any, ids: Sequence[str], expected: Sequence[str]) -> None:
        missing, more = set(expected) - set(ids), set(ids) - set(expected)
        text = (
            f"worker {node.gateway.id} collected other tests than the first: {len(missing)} are missing, "
            f"{len(more)} are new, such as {min(missing | more, default='one that is there twice')}"
        )
        report = pytest.CollectReport(nodeid=node.gateway.id, outcome="failed", longrepr=text, result=[])
        self._config.hook.pytest_collectreport(report=report)
