"""The plugin's entry: it finds out which part this process plays, and registers the hooks of that part."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any

import pytest

from .aws_calls import AwsCalls
from .collecting import Collecting
from .controller import Controller
from .describe import environment
from .journal import Journal
from .limits import Limit
from .measured import Measurement
from .orders import Orders, die_with_parent, leave_no_trace, orders_of
from .recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Generator

RESTARTS = 1000
"""Workers that may be replaced: each death is an outcome, and the rest goes on."""


class _Part:
    """What one process keeps from its beginning to its end."""

    orders: Orders
    journal: Journal
    measurement: Measurement | None = None
    why_not_measured = ""
    why_serial = ""


_part = _Part()


@pytest.hookimpl(hookwrapper=True)
def pytest_cmdline_main(config: pytest.Config) -> Generator[None, None, None]:
    """Ask xdist for workers before it looks whether it was asked."""
    orders = orders_of(config)
    if orders is not None and not hasattr(config, "workerinput"):
        _part.why_serial = _ask_for_workers(config, orders)
        config.option.continue_on_collection_errors = True  # the tests of other files are outcomes as well
        if orders.again:
            config.option.maxfail = 0
    yield


def _ask_for_workers(config: pytest.Config, orders: Orders) -> str:
    """Set xdist's options, unless the command did; answers why there will be one process only, if so."""
    option = config.option
    if not config.pluginmanager.hasplugin("xdist") or not hasattr(option, "numprocesses"):
        return "pytest-xdist is not there" if orders.workers > 1 else ""
    if option.maxworkerrestart is None:
        option.maxworkerrestart = str(RESTARTS)
    if orders.again:
        option.numprocesses, option.dist, option.tx = 0, "no", []
    elif option.numprocesses is None and option.dist == "no" and not option.tx and orders.workers > 1:
        option.numprocesses, option.dist = orders.workers, "load"
    return ""


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Open the journal and begin to measure."""
    orders = orders_of(config)
    if orders is None:
        return
    leave_no_trace()
    worker = getattr(config, "workerinput", {}).get("workerid")
    if worker:
        die_with_parent()
    _part.orders, _part.journal = orders, Journal(orders.folder, worker or "main")
    if orders.coverage:
        _part.why_not_measured = _measure(config, orders)


def _measure(config: pytest.Config, orders: Orders) -> str:
    if getattr(config.option, "cov_source", None):
        return "the command measures coverage itself, by pytest-cov"
    try:
        _part.measurement = Measurement(orders.coverage_folder, orders.coverage)
    except ImportError:
        return "coverage is not installed there"
    return ""


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """By now it is known whether this process runs tests or hands them out."""
    if not hasattr(_part, "journal"):
        return
    config, orders, journal = session.config, _part.orders, _part.journal
    worker = getattr(config, "workerinput", {}).get("workerid")
    manager = config.pluginmanager
    if dsession := manager.getplugin("dsession"):
        manager.register(Controller(journal, orders, dsession), "recloser-controller")
    else:
        calls = AwsCalls()
        calls.watch()
        limit = Limit(orders.limit_s, orders.folder / f"stacks-{worker or 'main'}.txt") if orders.limit_s else None
        manager.register(Recorder(journal, orders, limit, calls), "recloser-recorder")
        manager.register(Collecting(journal, orders, worker), "recloser-collecting")
    journal.write("session", worker=worker or "", **_facts(config, worker))
    if worker is None:
        manager.register(_End(journal), "recloser-end")


def _facts(config: pytest.Config, worker: str | None) -> dict[str, Any]:
    if worker is not None:
        return {}
    return {
        "pytest": pytest.__version__,
        "executable": sys.executable,
        "environment": environment(),
        "workers": len(config.option.tx) if config.pluginmanager.hasplugin("dsession") else 1,
        "serial": _part.why_serial,
        "uncovered": _part.why_not_measured,
    }


class _End:
    """The last word of the process that speaks for the run."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """How it ended, and whether that was early."""
        early = getattr(session, "shouldfail", False) or getattr(session, "shouldstop", False)
        dsession: Any = session.config.pluginmanager.getplugin("dsession")
        early = early or getattr(dsession, "shouldstop", False)
        self._journal.write("finish", code=int(exitstatus), early=str(early) if early else "")


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    """Write down what was measured; a run's verdict does not hang on that."""
    if _part.measurement is not None:
        with contextlib.suppress(Exception):
            _part.measurement.end()
