"""What is collected: narrowed to what was asked for, and written down with what went wrong."""

from __future__ import annotations

import json
import os
import random
import time
import unittest
from typing import TYPE_CHECKING, Any

import pytest

from .failures import failure_of
from .journal import bounded

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from .journal import Journal
    from .orders import Orders

_NEEDED = {"__init__.py", "conftest.py"}
_UNITTEST_DEFAULTS = {"setUpClass", "tearDownClass"}


class Collecting:
    """The hooks of collection, in the process that collects."""

    def __init__(self, journal: Journal, orders: Orders, worker: str | None) -> None:
        """Know who asks: only a worker's fixture groups are of use."""
        self._journal = journal
        self._orders = orders
        self._worker = worker

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        """Do not even import a file of which nothing was asked for."""
        if self._orders.files is None or collection_path.suffix != ".py" or collection_path.name in _NEEDED:
            return None
        return True if os.path.realpath(collection_path) not in self._orders.files else None

    @pytest.hookimpl(hookwrapper=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> Generator[None, Any, None]:
        """A file that cannot be collected is an outcome; one that skips itself as well."""
        outcome = yield
        report = outcome.get_result()
        if report.failed:
            excinfo = getattr(getattr(report, "call", None), "excinfo", None)
            failure = failure_of(excinfo, report, self._orders.root)
            self._journal.write("uncollected", at=time.time(), id=_name_of(collector), status="error", failure=failure)
        elif report.skipped:
            text = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
            reason = bounded(text).removeprefix("Skipped: ")
            self._journal.write("uncollected", at=time.time(), id=_name_of(collector), status="skipped", reason=reason)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Leave out what was not asked for, and put the rest into the order that was."""
        wanted = [item for item in items if self._is_wanted(item)]
        if len(wanted) < len(items):
            kept = set(map(id, wanted))
            config.hook.pytest_deselected(items=[item for item in items if id(item) not in kept])
            items[:] = wanted
        items[:] = _arranged(items, self._orders.order, self._orders.seed)

    def _is_wanted(self, item: pytest.Item) -> bool:
        if self._orders.files is not None and os.path.realpath(_path_of(item)) not in self._orders.files:
            return False
        return self._orders.only is None or item.nodeid in self._orders.only

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Say what there is: before the controller hears of it, because it asks for the groups then."""
        if self._worker is None:
            self._journal.write("collected", ids=[item.nodeid for item in session.items])
            return
        groups = [group_of(item) for item in session.items]
        if any(groups):
            groups_file(self._orders.folder, self._worker).write_text(json.dumps(groups), encoding="utf-8")


def _arranged(items: list[pytest.Item], order: str, seed: int) -> list[pytest.Item]:
    """The tests of a file stay together, so that what a file prepares is prepared once."""
    if order == "reversed":
        return items[::-1]
    if order != "shuffled":
        return items
    draw = random.Random(seed)  # noqa: S311 - an order, no secret
    files: dict[str, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(_path_of(item), []).append(item)
    groups = list(files.values())
    draw.shuffle(groups)
    for group in groups:
        draw.shuffle(group)
    return [item for group in groups for item in group]


def groups_file(folder: Path, worker: str) -> Path:
    """Where a worker says which of its tests belong together, in the order of its collection."""
    return folder / f"groups-{worker}.json"


def group_of(item: pytest.Item) -> str | None:
    """What a test shares with others, if anything: an `xdist_group`, or a fixture of its class or module.

    Returns:
        A name that is equal for those that share it; it begins with `=` where they must not be parted.
    """
    named = [str((*mark.args, *mark.kwargs.values(), "default")[0]) for mark in item.iter_markers("xdist_group")]
    if named:
        return "=" + "_".join(sorted(named))
    scopes = {_scope(definitions[-1]) for definitions in _fixtures(item).values() if definitions}
    if "module" in scopes:
        return f"module {item.nodeid.split('::')[0]}"
    if "class" in scopes and _class_is_prepared(item):
        return f"class {item.nodeid.rsplit('::', 1)[0]}"
    return None


def _fixtures(item: pytest.Item) -> dict[str, Any]:
    return dict(getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {}))


def _scope(definition: Any) -> str:
    return str(getattr(definition, "scope", "function"))


def _class_is_prepared(item: pytest.Item) -> bool:
    """Every unittest class has a class fixture; it does something only where the class says what."""
    kind = getattr(item, "cls", None)
    if kind is None or not issubclass(kind, unittest.TestCase):
        return True
    own = any(
        getattr(kind, name).__func__ is not getattr(unittest.TestCase, name).__func__ for name in _UNITTEST_DEFAULTS
    )
    others = [name for name, found in _fixtures(item).items() if found and _scope(found[-1]) == "class"]
    return own or any("unittest" not in name.lower() for name in others)


def _path_of(item: pytest.Item) -> str:
    return str(getattr(item, "path", None) or item.fspath)


def _name_of(collector: pytest.Collector) -> str:
    return collector.nodeid or str(getattr(collector, "path", "")) or collector.name
