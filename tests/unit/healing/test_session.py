"""The loop's decisions: what is kept, what is taken back, when it is enough."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from recloser.aws import CredentialsError, Rejected
from recloser.healing import (
    ChangeFailed,
    Consent,
    Healing,
    Narrator,
    NotReady,
    PlannedChange,
    open_healing,
    until_settled,
)
from recloser.healing.denials import Denial
from recloser.healing.remedies.permission import GrantPermission, policy_name
from recloser.healing.treatment import approved
from recloser.store import Store
from recloser.values import (
    ChangeState,
    Evidence,
    FixMode,
    Incident,
    JobSpec,
    Verdict,
    utc_now,
)
from tests.unit.healing.fakes import FakeAccount, a_site, a_target, failed, succeeded

OOM = {"container_reason": "OutOfMemoryError: Container killed due to memory usage", "exit_code": 137}
MISSING_A = "environment variable VAR_A is not set"
LOST = {"status_reason": "Host EC2 (instance i-0) terminated.", "exit_code": None}
CATALOGUE = {"VAR_A": {"value": "a"}, "VAR_B": {"value": "b"}}
MEMORY = {"memory": {"max_mib": 1024, "max_steps": 2}}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store of its own for each test."""
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}") as opened:
        yield opened


def healing_of(
    store: Store,
    folder: Path,
    play: Callable[[JobSpec], Evidence],
    *,
    iterations: int = 5,
    fix_mode: FixMode = FixMode.AUTO,
    minimise: bool = False,
    **tables: Any,
) -> tuple[Healing, FakeAccount]:
    """An open healing of a job that ends as `play` says."""
    account = FakeAccount()
    account.batch.play = play
    retry = {"retry": {"max": 2, "base_s": 0, "cap_s": 0}}
    tables["guardrails"] = retry | tables.get("guardrails", {})
    site = a_site(a_target(folder, watch={"list_lag_s": 0}, **tables), account)
    opened = open_healing(site, store, Narrator(), iterations=iterations, fix_mode=fix_mode, minimise=minimise)
    return opened, account


def states(incident: Incident) -> list[tuple[str, ChangeState]]:
    """Remedy and state of every change."""
    return [(change.remedy, change.state) for change in incident.changes]


def test_a_healthy_job_is_left_alone(store: Store, tmp_path: Path) -> None:
    """One attempt, no change."""
    healing, account = healing_of(store, tmp_path, lambda spec: succeeded())
    incident = until_settled(healing)
    assert (incident.verdict, len(incident.attempts), incident.changes) == (Verdict.HEALTHY, 1, ())
    assert len(account.batch.submitted) == 1


def test_one_change_an_attempt_until_it_works(store: Store, tmp_path: Path) -> None:
    """Two faults, two changes, three attempts; every effective change stays in force."""

    def play(spec: JobSpec) -> Evidence:
        if "VAR_A" not in spec.environment:
            return failed(MISSING_A)
        return succeeded() if (spec.memory_mib or 0) >= 512 else failed(**OOM, environment={"VAR_A": "a"})

    healing, _ = healing_of(store, tmp_path, play, catalogue=CATALOGUE, guardrails=MEMORY)
    incident = until_settled(healing)
    assert incident.verdict is Verdict.HEALED
    assert states(incident) == [("set_environment", ChangeState.VERIFIED), ("raise_memory", ChangeState.VERIFIED)]
    assert incident.metrics is not None
    assert (incident.metrics.attempts, incident.metrics.changes_applied) == (3, 2)
    assert store.incident(incident.incident_id) == incident


def test_memory_that_never_suffices_is_taken_back(store: Store, tmp_path: Path) -> None:
    """Each step up to the limit, then everything is reverted and a person is told."""
    healing, account = healing_of(store, tmp_path, lambda spec: failed(**OOM), guardrails=MEMORY)
    incident = until_settled(healing)
    assert incident.verdict is Verdict.LOCKED_OUT
    assert [spec.memory_mib for spec in account.batch.submitted] == [None, 512, 1024]
    assert {state for _, state in states(incident)} == {ChangeState.REVERTED}


def healing_by_rebuilding(store: Store, tmp_path: Path) -> tuple[Healing, FakeAccount]:
    """No image can be pulled but a rebuilt one; pinning the last good one comes first."""
    unpullable = {"container_reason": "CannotPullContainerError: manifest unknown", "exit_code": None}
    image = {"repository": "optimo", "last_good": "1.4.1", "build": ["true"]}

    def play(spec: JobSpec) -> Evidence:
        return succeeded() if spec.definition.endswith("-rebuild") else failed(**unpullable)

    guardrails = {"image": {"pin": True, "rebuild": True}}
    healing, account = healing_of(store, tmp_path, play, image=image, guardrails=guardrails)
    account.images.tags = {"1.4.1", f"1.4.2-recloser-{healing.incident.incident_id}"}
    return healing, account


def test_a_fix_that_does_not_help_is_reverted_and_the_next_is_tried(store: Store, tmp_path: Path) -> None:
    """The pinned image cannot be pulled either: its sibling goes, a build takes its place."""
    healing, account = healing_by_rebuilding(store, tmp_path)
    incident = until_settled(healing)
    assert incident.verdict is Verdict.HEALED
    assert states(incident) == [("pin_image", ChangeState.REVERTED), ("rebuild_image", ChangeState.VERIFIED)]
    assert [name.rsplit("-", 1)[-1] for name in account.batch.definitions] == ["rebuild"]


def test_a_transient_failure_is_retried_then_given_up(store: Store, tmp_path: Path) -> None:
    """As often as the target allows, and retries are no changes."""
    healing, account = healing_of(store, tmp_path, lambda spec: failed(**LOST), iterations=9)
    incident = until_settled(healing)
    assert incident.verdict is Verdict.LOCKED_OUT
    assert len(account.batch.submitted) == 3
    assert incident.metrics is not None
    assert incident.metrics.changes_applied == 0


def test_the_last_iteration_changes_nothing(store: Store, tmp_path: Path) -> None:
    """A change that no attempt could prove is left as a proposal."""
    healing, _ = healing_of(store, tmp_path, lambda spec: failed(MISSING_A), iterations=1, catalogue=CATALOGUE)
    incident = until_settled(healing)
    assert incident.verdict is Verdict.EXHAUSTED
    assert states(incident) == [("set_environment", ChangeState.DECLINED)]
    assert "VAR_A" in incident.reason


def test_the_budget_of_changes_is_kept(store: Store, tmp_path: Path) -> None:
    """A target that allows one change gets one."""

    def play(spec: JobSpec) -> Evidence:
        missing = "VAR_B" if "VAR_A" in spec.environment else "VAR_A"
        return failed(f"environment variable {missing} is not set")

    healing, _ = healing_of(store, tmp_path, play, catalogue=CATALOGUE, guardrails={"max_changes": 1})
    incident = until_settled(healing)
    assert incident.verdict is Verdict.LOCKED_OUT
    assert "budget of 1 changes" in incident.reason


def test_a_change_that_cannot_be_applied_is_taken_back_and_the_next_is_tried(store: Store, tmp_path: Path) -> None:
    """The attempt is not repeated for it: the same evidence is treated with the next remedy."""
    healing, account = healing_by_rebuilding(store, tmp_path)
    register = account.batch.register_sibling

    def refuse_pin(arn: str, *, name: str, **facts: Any) -> object:
        if name.endswith("-pin"):
            raise Rejected("no more revisions", service="batch", operation="RegisterJobDefinition")
        return register(arn, name=name, **facts)

    account.batch.register_sibling = refuse_pin  # type: ignore[method-assign]
    incident = until_settled(healing)
    assert incident.verdict is Verdict.HEALED
    assert states(incident) == [("pin_image", ChangeState.FAILED), ("rebuild_image", ChangeState.VERIFIED)]
    assert len(account.batch.submitted) == 2


def test_an_unknown_cause_changes_nothing(store: Store, tmp_path: Path) -> None:
    """Locked out at the first attempt, with what was seen."""
    healing, account = healing_of(store, tmp_path, lambda spec: failed("all fine", exit_code=7))
    incident = until_settled(healing)
    assert (incident.verdict, incident.changes, len(account.batch.submitted)) == (Verdict.LOCKED_OUT, (), 1)


def test_a_lost_answer_to_a_submission_submits_nothing_twice(store: Store, tmp_path: Path) -> None:
    """SubmitJob has no token: the job is looked up by the name that carries the intent."""
    healing, account = healing_of(store, tmp_path, lambda spec: succeeded())
    account.batch.lost_answers = 1
    assert until_settled(healing).verdict is Verdict.HEALTHY
    assert len(account.batch.submitted) == 1


def test_an_attempt_that_was_only_intended_is_taken_up_again(store: Store, tmp_path: Path) -> None:
    """Submitting failed altogether: the next try keeps the number and the name."""
    healing, account = healing_of(store, tmp_path, lambda spec: succeeded())
    submit = account.batch.submit

    def refuse(spec: JobSpec) -> str:
        account.batch.submit = submit  # type: ignore[method-assign]
        raise CredentialsError("they have expired", service="batch", operation="SubmitJob")

    account.batch.submit = refuse  # type: ignore[method-assign]
    with pytest.raises(CredentialsError):
        healing.submit()
    assert healing.submit() == "job-1"
    assert healing.attempt == 1


def test_work_that_was_done_is_accepted_instead_of_done_again(store: Store, tmp_path: Path) -> None:
    """Batch lost sight of the container's end, and the outputs are there: healed without a second job."""
    unseen = {
        "container_reason": "CannotInspectContainerError: Could not transition to inspecting; timed out",
        "exit_code": None,
        "started_at": utc_now(),
    }
    outputs = [{"uri": "s3://data/out.csv"}]
    healing, account = healing_of(store, tmp_path, lambda spec: failed(**unseen), outputs=outputs)
    account.objects.bodies["s3://data/out.csv"] = b"x"
    incident = until_settled(healing)
    assert (incident.verdict, len(account.batch.submitted)) == (Verdict.HEALED, 1)
    assert states(incident) == [("accept_output", ChangeState.VERIFIED)]
    assert "outputs" in incident.reason


def test_what_lies_outside_is_left_as_a_proposal(store: Store, tmp_path: Path) -> None:
    """The exact policy is in the incident, declined; and nothing was written."""
    denied = "cannot read s3://data/in/x.csv: (AccessDenied) when calling the GetObject operation: Access Denied"
    healing, account = healing_of(store, tmp_path, lambda spec: failed(denied))
    incident = until_settled(healing)
    assert incident.verdict is Verdict.LOCKED_OUT
    assert states(incident)[0] == ("grant_permission", ChangeState.DECLINED)
    assert "arn:aws:s3:::data/in/x.csv" in incident.changes[0].diff
    assert account.iam.policies == {}


DENIED = "cannot read s3://archive/load.csv: (AccessDenied) when calling the GetObject operation: Access Denied"
OBJECT = "arn:aws:s3:::archive/load.csv"
CONSENT = Consent(who="alice", why="the archive is ours as well")


def asked_outside(store: Store, folder: Path, fix_mode: FixMode) -> tuple[Healing, FakeAccount, PlannedChange | None]:
    """A healing whose job is refused an object that nobody declared, with what it plans."""
    settled = {"permissions": {"settle_s": 0}}
    healing, account = healing_of(store, folder, lambda spec: failed(DENIED), fix_mode=fix_mode, guardrails=settled)
    healing.submit()
    evidence = healing.collect(healing.watch())
    return healing, account, healing.plan(evidence, healing.diagnose(evidence))


def test_a_person_may_approve_exactly_what_lies_outside(store: Store, tmp_path: Path) -> None:
    """In `manual`: why it is outside is shown first; who approved it and why is kept; it can be taken back."""
    healing, account, planned = asked_outside(store, tmp_path, FixMode.MANUAL)
    assert planned is not None
    assert f"GetObject on {OBJECT}" in planned.outside
    assert planned.record.note == planned.outside
    healing.consent(planned, CONSENT)
    account.iam.allowed.add(("s3:GetObject", OBJECT))
    assert healing.apply(planned), healing.incident.changes[-1].note
    (document,) = account.iam.policies.values()
    (statement,) = json.loads(document)["Statement"]
    assert (statement["Action"], statement["Resource"]) == ("s3:GetObject", [OBJECT])
    (change,) = store.incident(healing.incident.incident_id).changes
    assert change.state is ChangeState.VERIFIED
    assert change.note == f"{planned.outside}; approved by alice: the archive is ours as well"
    account.iam.allowed.clear()
    healing.submit()
    again = healing.collect(healing.watch())
    healing.plan(again, healing.diagnose(again))  # the same problem came back: it is reverted
    assert not account.iam.policies
    note = store.incident(healing.incident.incident_id).changes[0].note
    assert "approved by alice: the archive is ours as well; the same problem came back" in note


@pytest.mark.parametrize("fix_mode", list(FixMode))
def test_nothing_outside_is_applied_without_consent(store: Store, tmp_path: Path, fix_mode: FixMode) -> None:
    """Only `manual` asks; what nobody approved is declined, whoever calls for it."""
    healing, account, planned = asked_outside(store, tmp_path, fix_mode)
    assert (planned is not None) == (fix_mode is FixMode.MANUAL)
    assert planned is None or not healing.apply(planned)
    assert states(healing.incident) == [("grant_permission", ChangeState.DECLINED)]
    assert not account.iam.policies


def test_consent_covers_one_change_id(store: Store, tmp_path: Path) -> None:
    """The same grant under another id, and a right over rights under the approved one, stay refused."""
    healing, account, planned = asked_outside(store, tmp_path, FixMode.MANUAL)
    assert planned is not None
    change = planned.change
    assert isinstance(change, GrantPermission)
    passed_on = change.model_copy(update={"policy": policy_name("another-1")})
    widened = change.model_copy(update={"grants": (Denial(action="iam:PassRole", resource=OBJECT),)})
    everything = change.model_copy(update={"grants": (Denial(action="s3:GetObject", resource="arn:aws:s3:::*"),)})
    for other in (change, *(approved(one, planned.record.change_id) for one in (passed_on, widened, everything))):
        with pytest.raises(ChangeFailed, match="nothing was granted"):
            other.apply(healing.site)
    assert not account.iam.policies
    stored = [payload for _, payload in store.change_payloads(healing.incident.incident_id)]
    assert [payload["approved"] for payload in stored] == [""]


def test_a_grant_that_a_person_approved_is_not_taken_out_on_trial(store: Store, tmp_path: Path) -> None:
    """It could not be put back without asking again: the search for the minimal fix leaves it in place."""

    def play(spec: JobSpec) -> Evidence:
        return succeeded() if account.iam.policies else failed(DENIED)

    settled = {"permissions": {"settle_s": 0}}
    healing, account = healing_of(store, tmp_path, play, fix_mode=FixMode.MANUAL, minimise=True, guardrails=settled)
    healing.submit()
    evidence = healing.collect(healing.watch())
    planned = healing.plan(evidence, healing.diagnose(evidence))
    assert planned is not None
    account.iam.allowed.add(("s3:GetObject", OBJECT))
    healing.consent(planned, CONSENT)
    assert healing.apply(planned)
    healing.submit()
    healing.collect(healing.watch())
    assert not healing.try_without()
    assert healing.incident.verdict is Verdict.HEALED
    assert states(healing.incident) == [("grant_permission", ChangeState.VERIFIED)]
    assert len(account.iam.policies) == 1


def test_a_refused_submission_is_locked_out_with_batch_s_words(store: Store, tmp_path: Path) -> None:
    """It is an attempt like any other: diagnosed, told, and not sent again unchanged."""
    healing, account = healing_of(store, tmp_path, lambda spec: succeeded())

    def refuse(spec: JobSpec) -> str:
        raise Rejected("the moon is not full", service="batch", operation="SubmitJob")

    account.batch.submit = refuse  # type: ignore[method-assign]
    incident = until_settled(healing)
    assert (incident.verdict, len(incident.attempts)) == (Verdict.LOCKED_OUT, 1)
    assert incident.attempts[0].refused
    assert "the moon is not full" in incident.reason


def test_test_data_needs_a_declaration_and_leave_to_write(store: Store, tmp_path: Path) -> None:
    """Without [test_data] there is nothing to make; report-only writes nothing at all."""
    site = a_site(a_target(tmp_path), FakeAccount())
    with pytest.raises(NotReady, match="test_data"):
        open_healing(site, store, Narrator(), iterations=1, fix_mode=FixMode.AUTO, use_test_data=True)
    with pytest.raises(NotReady, match="report-only"):
        open_healing(site, store, Narrator(), iterations=1, fix_mode=FixMode.REPORT_ONLY, use_test_data=True)
