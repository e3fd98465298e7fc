"""Killed at any moment, then the same command again: nothing is submitted, applied or left behind twice.

Every effect (a call that changes the account, a write to the store) is a moment to die at: just before it, and just
after it. The tests die at each of them in turn and compare what is left with a run that nobody killed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from recloser.healing import Healing, Narrator, open_healing, until_settled
from recloser.store import HeldError, Store, holding
from recloser.values import ChangeState, Evidence, FixMode, JobSpec, Verdict
from tests.unit.healing.fakes import FakeAccount, a_site, a_target, failed, succeeded
from tests.unit.healing.test_session import MISSING_A, OOM

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ARN = "arn:aws:s3:::data/in/load.csv"
DENIED = "cannot read s3://data/in/load.csv: (AccessDenied) when calling the GetObject operation: Access Denied"
UNPULLABLE = {"container_reason": "CannotPullContainerError: manifest unknown", "exit_code": None}
EFFECTS = {
    "batch": ("submit", "register_sibling", "deregister"),
    "iam": ("put_inline_policy", "delete_inline_policy"),
    "objects": ("put", "delete"),
}
WRITES = ("save_incident", "save_attempt", "plan_change", "settle_change")


class Killed(BaseException):
    """kill -9: no handler runs, or at least none that may tell anybody."""


class World:
    """An account and a store that outlive the processes working on them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = Store.open(f"sqlite:///{folder / 'store.db'}")
        self.account = FakeAccount()
        self.account.images.tags = {"1.4.1"}
        self.account.batch.play = self.play
        self.countdown: int | None = None
        self._after = False
        for gateway, names in EFFECTS.items():
            self._watch(getattr(self.account, gateway), names)
        self._watch(self.store, WRITES)

    def play(self, spec: JobSpec) -> Evidence:
        """Four faults, one behind the other."""
        if not spec.definition.endswith("-pin"):
            return failed(**UNPULLABLE)
        if "VAR_A" not in spec.environment:
            return failed(MISSING_A)
        if not self.account.iam.policies:
            return failed(DENIED, environment={"VAR_A": "a"})
        return succeeded() if (spec.memory_mib or 0) >= 512 else failed(**OOM)

    def _watch(self, owner: Any, names: tuple[str, ...]) -> None:
        for name in names:
            setattr(owner, name, self._mortal(getattr(owner, name)))

    def _mortal(self, effect: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if self.countdown is not None:
                self.countdown -= 1
            dying = self.countdown == 0
            if dying and not self._after:
                raise Killed
            result = effect(*args, **kwargs)
            self.account.iam.allowed = {("s3:GetObject", ARN)} if self.account.iam.policies else set()
            if dying:
                raise Killed
            return result

        return call

    def process(self, *, dies_at: int | None = None, after: bool = False) -> Healing:
        """Run `recloser heal` once; `dies_at` counts the effects."""
        self.countdown, self._after = dies_at, after
        guardrails = {
            "memory": {"max_mib": 1024},
            "permissions": {"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::data/in/*"], "settle_s": 0},
            "image": {"pin": True},
        }
        target = a_target(
            self.folder,
            watch={"list_lag_s": 0},
            catalogue={"VAR_A": {"value": "a"}},
            image={"repository": "optimo", "last_good": "1.4.1"},
            guardrails=guardrails,
        )
        healing = open_healing(
            a_site(target, self.account), self.store, Narrator(), iterations=9, fix_mode=FixMode.AUTO
        )
        until_settled(healing)
        healing.release()
        return healing

    def remains(self) -> tuple[object, ...]:
        """What a person finds in the account afterwards; ids of incidents are left out."""
        (incident,) = self.store.incidents()
        definitions = [name.replace(incident.incident_id, "ID") for name in self.account.batch.definitions]
        documents = list(self.account.iam.policies.values())
        names = [spec.name.replace(incident.incident_id, "ID") for spec in self.account.batch.submitted]
        live = [change.remedy for change in incident.changes if change.state is ChangeState.VERIFIED]
        return incident.verdict, len(incident.attempts), definitions, documents, names, live


def counted(folder: Path) -> int:
    """How many effects an undisturbed run has."""
    world = World(folder)
    world.process(dies_at=10_000)
    world.store.close()
    assert world.countdown is not None
    return 10_000 - world.countdown


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_at_any_effect_it_ends_as_if_nobody_had(
    after: bool,  # noqa: FBT001 - a parameter of the test
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same verdict, attempts, job names, definitions, policies and live changes; not one of them twice."""
    monkeypatch.setattr(holding, "is_gone", lambda owner, seen_at: True)
    (tmp_path / "plain").mkdir()
    plain = World(tmp_path / "plain")
    plain.process()
    expected = plain.remains()
    plain.store.close()
    assert expected[0] is Verdict.HEALED
    effects = counted(tmp_path)
    assert effects > 40
    for moment in range(1, effects + 1):
        folder = tmp_path / f"{after}-{moment}"
        folder.mkdir()
        world = World(folder)
        with pytest.raises(Killed):
            world.process(dies_at=moment, after=after)
        if world.store.unfinished("optimo") or not world.store.incidents():
            world.process()
        assert world.remains() == expected, f"killed {'after' if after else 'before'} effect {moment} of {effects}"
        world.store.close()


def test_two_healings_of_one_target_exclude_each_other(tmp_path: Path) -> None:
    """The second is told who holds the target, and can go on once it is let go."""
    world = World(tmp_path)
    site = a_site(a_target(tmp_path), world.account)
    first = open_healing(site, world.store, Narrator(), iterations=1, fix_mode=FixMode.AUTO)
    with pytest.raises(HeldError, match=r"is being healed by process \d+"):
        open_healing(site, world.store, Narrator(), iterations=1, fix_mode=FixMode.AUTO)
    first.release()
    open_healing(site, world.store, Narrator(), iterations=1, fix_mode=FixMode.AUTO).release()
    world.store.close()


def test_a_cancelled_healing_says_what_became_of_its_job(tmp_path: Path) -> None:
    """Terminated and closed, or left and open, as the target asks."""
    world = World(tmp_path)
    account = world.account
    stopped: list[str] = []
    account.batch.terminate = lambda job_id, reason: stopped.append(job_id)  # type: ignore[attr-defined]

    def cancelled(job_ids: list[str]) -> Any:
        raise KeyboardInterrupt

    account.batch.describe = cancelled  # type: ignore[method-assign]
    for told, verdict in (("leave", Verdict.OPEN), ("terminate", Verdict.CANCELLED)):
        site = a_site(a_target(tmp_path, watch={"on_cancel": told}), account)
        healing = open_healing(site, world.store, Narrator(), iterations=1, fix_mode=FixMode.AUTO)
        healing.submit()
        with pytest.raises(KeyboardInterrupt):
            healing.watch()
        healing.release()
        assert healing.incident.verdict is verdict
    assert stopped == ["job-1"]
    world.store.close()
