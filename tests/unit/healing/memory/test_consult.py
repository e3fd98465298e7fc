"""A healing asks what past healings learned, and leaves what it learned itself."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from recloser.healing import Narrator, open_healing, until_settled
from recloser.report import render_markdown
from recloser.store import Store
from recloser.values import Cause, Diagnosis, Evidence, FixMode, Incident, JobSpec, Label, RuledOut, Verdict, utc_now
from tests.unit.healing.fakes import FakeAccount, a_site, a_target, failed, succeeded

OOM = {"container_reason": "OutOfMemoryError: Container killed due to memory usage", "exit_code": 137}
ODD = "solver gave up after 7 rounds on shard 12"
ODD_AGAIN = "solver gave up after 9 rounds on shard 31"
ODD_LIKE = "solver gave up after 9 rounds at shard 31"
OTHER = "the moon is in the wrong house"
MEMORY = {"guardrails": {"memory": {"max_mib": 1024, "max_steps": 1}}}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store that several healings share."""
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}") as opened:
        yield opened


def heal(store: Store, folder: Path, play: Callable[[JobSpec], Evidence], **tables: Any) -> Incident:
    """One healing in `auto`, to its end."""
    account = FakeAccount()
    account.batch.play = play
    site = a_site(a_target(folder, **({"watch": {"list_lag_s": 0}} | tables)), account)
    healing = open_healing(site, store, Narrator(), iterations=4, fix_mode=FixMode.AUTO)
    until_settled(healing)
    healing.release()
    return healing.incident


def always(*log: str, **facts: Any) -> Callable[[JobSpec], Evidence]:
    """A job that always fails so."""
    return lambda spec: failed(*log, **facts)


def enough(mib: int) -> Callable[[JobSpec], Evidence]:
    """A job that works with so much memory."""
    return lambda spec: succeeded() if (spec.memory_mib or 0) >= mib else failed(**OOM)


def first(incident: Incident) -> Diagnosis:
    """The diagnosis of the first attempt."""
    diagnosis = incident.attempts[0].diagnosis
    assert diagnosis is not None
    return diagnosis


def label(store: Store, incident: Incident, cause: Cause, note: str = "") -> None:
    """Ada names the cause."""
    store.memory.label(Label(incident_id=incident.incident_id, cause=cause, who="ada", at=utc_now(), note=note))


class TestSeenBefore:
    """A failure that no signature knows."""

    def test_tells_how_often_and_where(self, store: Store, tmp_path: Path) -> None:
        """The third time, the report says that it was seen twice, always in the same place."""
        assert first(heal(store, tmp_path, always(ODD))).seen is None
        heal(store, tmp_path, always(ODD_AGAIN))
        third = heal(store, tmp_path, always(ODD))
        seen = first(third).seen
        assert seen is not None
        assert (seen.times, seen.queues, seen.definitions, seen.likeness) == (2, ("optimo",), ("optimo:3",), 1.0)
        assert "always queue optimo, always definition optimo:3" in render_markdown(third)

    def test_tells_of_one_that_is_much_alike(self, store: Store, tmp_path: Path) -> None:
        """A word of difference is another fingerprint, and still told; another failure is not."""
        heal(store, tmp_path, always(ODD))
        seen = first(heal(store, tmp_path, always(ODD_LIKE))).seen
        assert seen is not None
        assert 0.9 <= seen.likeness < 1
        assert "like it was seen once" in seen.said
        assert first(heal(store, tmp_path, always(OTHER))).seen is None


class TestLabelled:
    """A person has named the failure."""

    def test_is_recognised_the_next_time(self, store: Store, tmp_path: Path) -> None:
        """The cause is the person's, its confidence is the record's, and the report says whose word it is."""
        before = heal(store, tmp_path, always(ODD))
        assert first(before).cause is Cause.UNKNOWN
        label(store, before, Cause.FILE_NOT_FOUND, "the shard is written too late")
        after = heal(store, tmp_path, always(ODD_AGAIN))
        assert (first(after).cause, first(after).confidence) == (Cause.FILE_NOT_FOUND, 0.67)
        assert "the shard is written too late" in first(after).summary
        assert f"ada labelled incident {before.incident_id}" in render_markdown(after)
        assert after.changes == ()

    def test_is_trusted_more_when_two_agree_and_not_when_two_disagree(self, store: Store, tmp_path: Path) -> None:
        """0.75 for two, unknown for one against one."""
        one, two = (heal(store, tmp_path, always(ODD)) for _ in range(2))
        label(store, one, Cause.TIMEOUT)
        label(store, two, Cause.TIMEOUT)
        assert first(heal(store, tmp_path, always(ODD))).confidence == 0.75
        label(store, two, Cause.APP_ERROR)
        assert first(heal(store, tmp_path, always(ODD))).cause is Cause.UNKNOWN

    def test_is_recognised_by_likeness_with_less_confidence(self, store: Store, tmp_path: Path) -> None:
        """Nearly the same words, nearly the same trust."""
        label(store, heal(store, tmp_path, always(ODD)), Cause.TIMEOUT)
        alike = first(heal(store, tmp_path, always(ODD_LIKE)))
        assert alike.cause is Cause.TIMEOUT
        assert 0.6 <= alike.confidence < 0.67
        assert first(heal(store, tmp_path, always(OTHER))).cause is Cause.UNKNOWN

    def test_does_not_spread_from_a_failure_that_says_nothing(self, store: Store, tmp_path: Path) -> None:
        """Exit 1 without a word is no kind of failure."""
        label(store, heal(store, tmp_path, always()), Cause.TIMEOUT)
        assert first(heal(store, tmp_path, always())).cause is Cause.UNKNOWN

    def test_never_replaces_a_diagnosis_of_the_catalogue(self, store: Store, tmp_path: Path) -> None:
        """What a signature knows is not overruled by a person's word for an earlier incident."""
        label(store, heal(store, tmp_path, always(**OOM)), Cause.TIMEOUT)
        assert first(heal(store, tmp_path, always(**OOM))).cause is Cause.OOM

    def test_never_names_what_a_probe_refuted(self) -> None:
        """The account's answer outweighs a label; a mere doubt does not."""
        from recloser.healing.memory.recognition import labelled  # noqa: PLC0415

        word = Label(incident_id="i", cause=Cause.MISSING_ENV_VAR, who="ada", at=utc_now())
        refuted = RuledOut(cause=Cause.MISSING_ENV_VAR, why="it is set", refuted=True)
        unknown = Diagnosis(cause=Cause.UNKNOWN, signature="none", summary="", confidence=0, ruled_out=(refuted,))
        assert labelled(unknown, [word], kind="f", likeness=1.0) == unknown
        doubted = unknown.model_copy(update={"ruled_out": (refuted.model_copy(update={"refuted": False}),)})
        assert labelled(doubted, [word], kind="f", likeness=1.0).cause is Cause.MISSING_ENV_VAR

    def test_is_not_named_against_the_account(self, store: Store, tmp_path: Path) -> None:
        """The job says that a variable is not set, the account says that it is: a label does not change that."""
        said = "environment variable VAR_A is not set"
        before = heal(store, tmp_path, always(said, environment={"VAR_A": "a"}))
        assert first(before).cause is not Cause.MISSING_ENV_VAR
        label(store, before, Cause.MISSING_ENV_VAR)
        again = first(heal(store, tmp_path, always(said, environment={"VAR_A": "a"})))
        assert again.cause is not Cause.MISSING_ENV_VAR

    @pytest.mark.parametrize("cause", [Cause.MISSING_ENV_VAR, Cause.S3_PERMISSION, Cause.IMAGE_NOT_FOUND])
    def test_writes_nothing_that_needs_facts(self, store: Store, tmp_path: Path, cause: Cause) -> None:
        """A label names no variable, action or tag, so nothing is set, granted or pinned on its word."""
        label(store, heal(store, tmp_path, always(ODD)), cause)
        after = heal(store, tmp_path, always(ODD), catalogue={"VAR_A": {"value": "a"}})
        assert first(after).cause is cause
        assert (after.changes, after.verdict) == ((), Verdict.LOCKED_OUT)

    def test_may_bring_a_remedy_inside_the_guardrails(self, store: Store, tmp_path: Path) -> None:
        """More memory needs no facts: within the declared limit it is tried, without one it is not."""
        label(store, heal(store, tmp_path, always(ODD)), Cause.OOM)
        allowed = heal(store, tmp_path, always(ODD), **MEMORY)
        assert [change.remedy for change in allowed.changes] == ["raise_memory"]
        assert heal(store, tmp_path, always(ODD)).changes == ()


class TestRecord:
    """What remedies have done."""

    def test_is_told_and_retires_a_remedy_that_never_works(self, store: Store, tmp_path: Path) -> None:
        """After three incidents that more memory did not help, it is not tried a fourth time; the reason says why."""
        for _ in range(3):
            tried = heal(store, tmp_path, always(**OOM), **MEMORY)
            assert [change.remedy for change in tried.changes] == ["raise_memory"]
        fourth = heal(store, tmp_path, always(**OOM), **MEMORY)
        assert fourth.changes == ()
        assert fourth.verdict is Verdict.LOCKED_OUT
        assert "raise_memory worked 0 of 3 times" in fourth.reason
        assert "retired after failing" in render_markdown(fourth)

    def test_comes_back_when_a_person_names_another_cause(self, store: Store, tmp_path: Path) -> None:
        """The failures were of a wrong diagnosis: they no longer count against the remedy."""
        tried = [heal(store, tmp_path, always(**OOM), **MEMORY) for _ in range(3)]
        label(store, tried[0], Cause.SHM_TOO_SMALL)
        assert heal(store, tmp_path, always(**OOM), **MEMORY).changes != ()

    def test_is_told_of_what_works(self, store: Store, tmp_path: Path) -> None:
        """The report of the second healing knows of the first."""
        assert heal(store, tmp_path, enough(512), **MEMORY).verdict is Verdict.HEALED
        again = heal(store, tmp_path, enough(512), **MEMORY)
        assert "raise\\_memory worked 1 of 1 times" in render_markdown(again).replace("raise_memory", "raise\\_memory")


def test_a_secret_in_a_log_never_reaches_the_store(store: Store, tmp_path: Path) -> None:
    """Not the evidence, not the mould, not the diagnosis: no byte of the file holds it."""
    secret = "hunter22hunter22"
    lines = (f"{ODD} password={secret}", f"connecting with {secret}", "api_key: abcdefgh12345678")
    facts = {
        "environment": {"DB_PASSWORD": secret},
        "container_reason": f"exited: token={secret}",
        "name": f"optimo-{secret}",
    }
    incident = heal(store, tmp_path, always(*lines, **facts))
    (kept,) = store.memory.evidence(incident.incident_id).values()
    assert "connecting with [redacted]" in [line.text for line in kept.log.lines]
    assert secret not in kept.model_dump_json()
    assert "abcdefgh12345678" not in kept.model_dump_json()
    store.close()
    for file in tmp_path.glob("store.db*"):
        assert secret.encode() not in file.read_bytes()


def test_evidence_is_kept_bounded(store: Store, tmp_path: Path) -> None:
    """However much a job talks, the end of it is kept."""
    talk = [f"{number} {'x' * 1_500}" for number in range(900)]
    incident = heal(store, tmp_path, always(*talk, ODD), watch={"list_lag_s": 0, "log_lines": 900})
    (kept,) = store.memory.evidence(incident.incident_id).values()
    assert kept.log.lines[-1].text == ODD
    assert len(kept.log.lines) <= 400
    assert sum(len(line.text) for line in kept.log.lines) <= 100_000
