"""`--minimise`: what the job can do without is taken back, and nothing it needs is ever left out of the account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from recloser.aws import Unreachable
from recloser.healing import Healing, HealingError, Narrator, open_healing, until_minimal, until_settled
from recloser.store import Store, holding
from recloser.values import ChangeState, Evidence, FixMode, Incident, JobSpec, JobState, Verdict
from tests.unit.healing.fakes import FakeAccount, a_site, a_target, failed, succeeded
from tests.unit.healing.test_session import LOST, MISSING_A, OOM, states

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ARN = "arn:aws:s3:::data/in/load.csv"
DENIED = "cannot read s3://data/in/load.csv: (AccessDenied) when calling the GetObject operation: Access Denied"
GRANT = {"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::data/in/*"], "settle_s": 0}
KEPT, TAKEN_BACK = ChangeState.VERIFIED, ChangeState.REVERTED


class Killed(BaseException):
    """kill -9."""


class World:
    """A job with three faults of which some pass by themselves, in an account and a store that outlive processes."""

    def __init__(self, folder: Path, *, needed: set[str], **tables: Any) -> None:
        self.folder = folder
        self.needed = needed
        self.tables = tables
        self.seen: set[str] = set()
        self.store = Store.open(f"sqlite:///{folder / 'store.db'}")
        self.account = FakeAccount()
        self.account.batch.play = self.play
        self.account.batch.terminate = lambda job_id, reason: None  # type: ignore[attr-defined]
        self.played: dict[str, Evidence] = {}
        self.countdown = 10_000_000
        for owner, names in (
            (self.account.batch, ("submit",)),
            (self.account.iam, ("put_inline_policy", "delete_inline_policy")),
            (self.store, ("save_incident", "save_attempt", "plan_change", "settle_change")),
        ):
            for name in names:
                setattr(owner, name, self._mortal(getattr(owner, name)))

    def _mortal(self, effect: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            self.countdown -= 1
            if self.countdown == 0:
                raise Killed
            result = effect(*args, **kwargs)
            self.account.iam.allowed = {("s3:GetObject", ARN)} if self.account.iam.policies else set()
            return result

        return call

    def play(self, spec: JobSpec) -> Evidence:
        """Each fault shows once; those that are needed show whenever their cure is missing."""
        if spec.name not in self.played:
            self.played[spec.name] = self._play(spec)
        return self.played[spec.name]

    def _play(self, spec: JobSpec) -> Evidence:
        environment = dict.fromkeys(spec.environment, "x")
        for fault, cured, evidence in (
            ("environment", "VAR_A" in spec.environment, failed(MISSING_A)),
            ("permission", bool(self.account.iam.policies), failed(DENIED, environment=environment)),
            ("memory", (spec.memory_mib or 0) >= 512, failed(**OOM, environment=environment)),
        ):
            if not cured and (fault in self.needed or fault not in self.seen):
                self.seen.add(fault)
                return evidence
        return succeeded()

    def open(self, *, minimise: bool = True) -> Healing:
        """What one `recloser heal` begins with."""
        guardrails = {"memory": {"max_mib": 1024}, "permissions": GRANT, **self.tables.pop("guardrails", {})}
        target = a_target(
            self.folder,
            watch={"list_lag_s": 0},
            catalogue={"VAR_A": {"value": "a"}},
            guardrails=guardrails,
            **self.tables,
        )
        self.tables["guardrails"] = guardrails
        site = a_site(target, self.account)
        return open_healing(site, self.store, Narrator(), iterations=9, fix_mode=FixMode.AUTO, minimise=minimise)

    def run(self, *, dies_at: int = 10_000_000) -> Incident:
        """One `recloser heal --minimise`."""
        self.countdown = dies_at
        healing = self.open()
        run(healing)
        healing.release()
        return healing.incident


def run(healing: Healing) -> None:
    """The flow."""
    until_settled(healing)
    until_minimal(healing)


def by_remedy(incident: Incident) -> dict[str, ChangeState]:
    """How each change ended."""
    return dict(states(incident))


@pytest.mark.parametrize(
    ("needed", "kept"),
    [
        ({"environment", "permission", "memory"}, {"set_environment", "grant_permission", "raise_memory"}),
        ({"memory"}, {"raise_memory"}),
        ({"permission"}, {"grant_permission"}),
        (set(), set()),
    ],
    ids=["all", "memory", "permission", "none"],
)
def test_what_stays_is_what_the_job_needs(needed: set[str], kept: set[str], tmp_path: Path) -> None:
    """One run without each change; the policy is in the account if and only if the job needs it."""
    world = World(tmp_path, needed=needed)
    incident = world.run()
    assert incident.verdict is Verdict.HEALED
    assert {remedy for remedy, state in states(incident) if state is KEPT} == kept
    assert {remedy for remedy, state in states(incident) if state is TAKEN_BACK} == set(by_remedy(incident)) - kept
    assert bool(world.account.iam.policies) == ("grant_permission" in kept)
    trials = [attempt for attempt in incident.attempts if attempt.without]
    assert len(trials) == 3
    assert f"{len(kept)} of 3 changes" in incident.reason
    assert world.store.incident(incident.incident_id) == incident
    world.store.close()


def test_without_being_asked_nothing_is_tried(tmp_path: Path) -> None:
    """The job heals and the incident closes, as ever."""
    world = World(tmp_path, needed=set())
    healing = world.open(minimise=False)
    run(healing)
    assert healing.incident.verdict is Verdict.HEALED
    assert len(healing.incident.attempts) == 4
    world.store.close()


def test_a_change_of_the_submission_stays_in_the_account_until_its_trial_has_succeeded(tmp_path: Path) -> None:
    """Only the grant is ever out of the account, and it is tried last."""
    world = World(tmp_path, needed={"environment"})
    withheld: list[tuple[str, ...]] = []
    submit = world.account.batch.submit

    def note(spec: JobSpec) -> str:
        (incident,) = world.store.incidents()
        withheld.append(tuple(c.remedy for c in incident.changes if c.state is ChangeState.WITHHELD))
        return submit(spec)

    world.account.batch.submit = note  # type: ignore[method-assign]
    world.run()
    assert withheld[-1] == ("grant_permission",)
    assert set(withheld[:-1]) == {()}
    world.store.close()


def test_the_search_is_bounded_and_says_so(tmp_path: Path) -> None:
    """One run is allowed: one change is tried, the others stay."""
    world = World(tmp_path, needed=set(), guardrails={"minimise": {"max_attempts": 1}})
    incident = world.run()
    assert len([attempt for attempt in incident.attempts if attempt.without]) == 1
    assert [state for _, state in states(incident)].count(KEPT) == 2
    assert "minimise.max_attempts" in incident.reason
    world.store.close()


def test_a_trial_that_fails_of_something_else_proves_nothing(tmp_path: Path) -> None:
    """The change stays."""
    world = World(tmp_path, needed={"environment", "permission", "memory"})
    play = world.account.batch.play
    world.account.batch.play = lambda spec: failed(**LOST) if spec.name.endswith("-5") else play(spec)
    incident = world.run()
    assert set(by_remedy(incident).values()) == {KEPT}
    world.store.close()


def test_a_job_that_was_healthy_has_nothing_to_minimise(tmp_path: Path) -> None:
    """One attempt."""
    world = World(tmp_path, needed=set())
    world.seen = {"environment", "permission", "memory"}
    incident = world.run()
    assert (incident.verdict, len(incident.attempts)) == (Verdict.HEALTHY, 1)
    world.store.close()


def test_only_the_last_size_of_several_is_tried(tmp_path: Path) -> None:
    """256 → 512 → 1024: the first step is in no submission any more, so it costs no run."""
    world = World(tmp_path, needed=set(), guardrails={"memory": {"max_mib": 1024, "max_steps": 3}})
    world.account.batch.play = lambda spec: (
        succeeded() if (spec.memory_mib or 0) >= 1024 else failed(**OOM, memory_mib=256)
    )
    incident = world.run()
    assert states(incident) == [("raise_memory", TAKEN_BACK), ("raise_memory", KEPT)]
    assert len([attempt for attempt in incident.attempts if attempt.without]) == 1
    world.store.close()


def test_outputs_that_a_failed_trial_spoilt_are_made_again(tmp_path: Path) -> None:
    """The last run is one with the whole fix."""
    uri = "s3://data/out.csv"
    world = World(tmp_path, needed={"environment", "permission", "memory"}, outputs=[{"uri": uri}])
    play = world.play

    def write(spec: JobSpec) -> Evidence:
        first = spec.name not in world.played
        ended = play(spec)
        if first:
            world.account.objects.bodies[uri] = b"good" if ended.job.state is JobState.SUCCEEDED else b""
        return ended

    world.account.batch.play = write
    incident = world.run()
    assert incident.verdict is Verdict.HEALED
    last = incident.attempts[-1]
    assert (last.without, last.succeeded) == ((), True)
    assert world.account.objects.bodies[uri] == b"good"
    world.store.close()


@pytest.mark.parametrize("needed", [{"memory"}, {"environment", "permission"}], ids=len)
def test_killed_at_any_effect_the_fix_is_whole_again_when_the_same_command_ends(
    needed: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Same verdict, same changes kept, and no change is left withheld."""
    monkeypatch.setattr(holding, "is_gone", lambda owner, seen_at: True)
    (tmp_path / "plain").mkdir()
    plain = World(tmp_path / "plain", needed=needed)
    expected = plain.run(dies_at=10_000)
    effects = 10_000 - plain.countdown
    plain.store.close()
    assert effects > 40
    for moment in range(1, effects + 1):
        folder = tmp_path / str(moment)
        folder.mkdir()
        world = World(folder, needed=needed)
        with pytest.raises(Killed):
            world.run(dies_at=moment)
        if world.store.unfinished("optimo") or not world.store.incidents():
            world.run()
        (incident,) = world.store.incidents()
        assert incident.verdict is Verdict.HEALED, moment
        assert by_remedy(incident) == by_remedy(expected), f"killed before effect {moment} of {effects}"
        assert bool(world.account.iam.policies) == ("permission" in needed), moment
        world.store.close()


def test_a_trial_whose_answer_was_lost_with_its_process_is_ended_before_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its job was accepted, and would run beside the next: it is looked for by its name."""
    monkeypatch.setattr(holding, "is_gone", lambda owner, seen_at: True)
    world = World(tmp_path, needed={"environment", "permission", "memory"})
    ended: list[str] = []
    world.account.batch.terminate = lambda job_id, reason: ended.append(job_id)  # type: ignore[method-assign]
    submit = world.account.batch.submit

    def lose_the_answer(spec: JobSpec) -> str:
        job_id = submit(spec)
        if len(world.account.batch.submitted) > 4 and not world.account.iam.policies and not ended:
            lost.append(job_id)
            raise Killed
        return job_id

    lost: list[str] = []
    world.account.batch.submit = lose_the_answer  # type: ignore[method-assign]
    with pytest.raises(Killed):
        world.run()
    world.account.batch.submit = submit  # type: ignore[method-assign]
    incident = world.run()
    assert ended == lost
    (abandoned,) = [attempt for attempt in incident.attempts if attempt.abandoned]
    assert [abandoned.job_id] == lost
    assert world.account.iam.policies
    world.store.close()


def test_a_cancelled_search_puts_the_change_back_and_the_job_stays_healed(tmp_path: Path) -> None:
    """The policy is in the account again before the process ends."""
    world = World(tmp_path, needed={"environment", "permission", "memory"})
    describe = world.account.batch.describe

    def cancel_the_last(job_ids: list[str]) -> Any:
        if not world.account.iam.policies and len(world.account.batch.submitted) > 4:
            raise KeyboardInterrupt
        return describe(job_ids)

    world.account.batch.describe = cancel_the_last  # type: ignore[method-assign]
    healing = world.open()
    with pytest.raises(KeyboardInterrupt):
        run(healing)
    assert healing.incident.verdict is Verdict.HEALED
    assert "cancelled" in healing.incident.reason
    assert set(by_remedy(healing.incident).values()) == {KEPT}
    assert world.account.iam.policies
    world.store.close()


def test_a_search_that_cannot_go_on_leaves_the_job_healed(tmp_path: Path) -> None:
    """Batch is out of reach during a trial: the change goes back, the reason is told."""
    world = World(tmp_path, needed={"environment", "permission", "memory"})
    describe = world.account.batch.describe

    def unreachable(job_ids: list[str]) -> Any:
        if not world.account.iam.policies and len(world.account.batch.submitted) > 4:
            raise Unreachable("no answer", service="batch", operation="DescribeJobs")
        return describe(job_ids)

    world.account.batch.describe = unreachable  # type: ignore[method-assign]
    healing = world.open()
    with pytest.raises(Unreachable) as error:
        run(healing)
    healing.give_up(error.value)
    assert (healing.incident.verdict, set(by_remedy(healing.incident).values())) == (Verdict.HEALED, {KEPT})
    assert world.account.iam.policies
    world.store.close()


def test_a_change_that_cannot_be_put_back_is_said_at_once(tmp_path: Path) -> None:
    """The job worked, and now it would not: locked out, with what a person must do."""
    world = World(tmp_path, needed={"environment", "permission", "memory"})
    put = world.account.iam.put_inline_policy

    def once(*words: str) -> None:
        if len(world.account.batch.submitted) > 4:
            raise Unreachable("no answer", service="iam", operation="PutRolePolicy")
        put(*words)

    world.account.iam.put_inline_policy = once  # type: ignore[method-assign]
    healing = world.open()
    with pytest.raises(HealingError, match="could not be put back") as error:
        run(healing)
    healing.give_up(error.value)
    assert healing.incident.verdict is Verdict.LOCKED_OUT
    assert "by hand" in healing.incident.reason
    world.store.close()
