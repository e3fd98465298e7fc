"""How a night begins: one at a time on a target; a killed one of the same code goes on where it was."""

from __future__ import annotations

import os
import secrets
import sys
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from recloser.nightly.errors import NightlyError
from recloser.nightly.night import Night
from recloser.nightly.premises import Premises
from recloser.nightly.trends import INTERRUPTED
from recloser.notify import receivers_of
from recloser.services import Supervisor
from recloser.store import Hold, StoreError
from recloser.suites import code_state, environment_of
from recloser.target import load_system
from recloser.values import Cycle, CycleVerdict, utc_now

if TYPE_CHECKING:
    from pathlib import Path

    from recloser.nightly.narrator import NightNarrator
    from recloser.settings import Settings
    from recloser.store import Store
    from recloser.target import System
    from recloser.values import DataRun


def open_night(where: str, store: Store, settings: Settings, narrator: NightNarrator, *, run_id: str = "") -> Night:
    """Open a cycle in the store, or take up the one that was killed.

    Args:
        where: Folder that holds `recloser.toml`, or the file itself.
        store: Where everything is kept.
        settings: Where files are written.
        narrator: Who is told.
        run_id: The flow run this night belongs to.

    Raises:
        TargetError: The target cannot be read as declared.
        HeldError: Another process tests it.
        StoreError: The store cannot be read or written.
        NightlyError: Its folder cannot be made.
    """
    system = load_system(where)
    with ExitStack() as at_end:
        hold = Hold(store, system.name, "tested")
        at_end.callback(_let_go, hold)
        at_end.enter_context(hold.kept())
        cycle, resumed = _cycle(system, store, run_id)
        folder = _folder(settings.home.expanduser() / "nights" / cycle.cycle_id)
        supervisor = Supervisor(system, home=settings.home, log_dir=folder / "services")
        at_end.callback(supervisor.stop)
        night = Night(
            system,
            store,
            cycle,
            folder=folder,
            premises=Premises(
                system, supervisor, cache=settings.home / "data", folder=folder, judged=_judged(store, cycle)
            ),
            receivers=receivers_of(system, os.environ, settings.home.expanduser()),
            narrator=narrator,
            at_end=at_end.pop_all(),
        )
    narrator.opened(cycle, resumed=resumed)
    return night


def _folder(folder: Path) -> Path:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise NightlyError(f"the night's folder {folder} cannot be made: {error.strerror}") from error
    return folder


def _judged(store: Store, cycle: Cycle) -> tuple[DataRun, ...]:
    """The data sets whose stage had ended when the night was left."""
    ended = {stage.name for stage in store.history.stages(cycle.cycle_id) if stage.ended_at is not None}
    return tuple(run for run in store.history.data_runs(cycle.cycle_id) if f"data/{run.name}" in ended)


def _let_go(hold: Hold) -> None:
    """Release it; where the store is gone, this process is soon gone as well, and its hold with it."""
    with suppress(StoreError):
        hold.release()


def _cycle(system: System, store: Store, run_id: str) -> tuple[Cycle, bool]:
    code, environment = code_state(system.folder), environment_of(sys.executable, system.folder)
    left = store.history.unfinished(system.name)
    if left is not None and (left.code.tree, left.environment) == (code.tree, environment):
        return left, True
    if left is not None:
        reason = f"{INTERRUPTED}, and the code or its environment has changed since"
        store.history.close_cycle(left.cycle_id, CycleVerdict.NOT_VERIFIED, reason, utc_now())
    now = utc_now()
    cycle = Cycle(
        cycle_id=f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}",
        target=system.name,
        opened_at=now,
        code=code,
        environment=environment,
        run_id=run_id,
    )
    store.history.open_cycle(cycle)
    return cycle, False
