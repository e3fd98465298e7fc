"""The remedies' data: complete, sourced, and of one mind with the code."""

from pathlib import Path

import pytest

from recloser.healing.errors import Proposed, Refused
from recloser.healing.remedies import REMEDIES
from recloser.healing.remedies.catalogue import proposal_facts, remedy_facts
from recloser.healing.remedies.limits import limits
from recloser.target import Guardrails
from recloser.values import AutonomyLevel, Cause, CauseClass
from tests.unit.healing.bench import Bench
from tests.unit.healing.fakes import failed

DETERMINISTIC = {
    CauseClass.RESOURCE, CauseClass.PERMISSION, CauseClass.CONFIGURATION, CauseClass.IMAGE, CauseClass.DATA,
    CauseClass.CODE, CauseClass.USER,
}  # fmt: skip


def test_every_remedy_has_its_facts_and_every_fact_its_remedy() -> None:
    """A remedy is code and data; `stage_test_data` is asked for, never chosen."""
    assert set(remedy_facts()) == (set(REMEDIES) - set(proposal_facts())) | {"stage_test_data"}


def test_every_guardrail_that_is_named_exists() -> None:
    """`recloser.toml` has the table that the facts point to."""
    for name, facts in remedy_facts().items():
        root, *path = facts.guardrail.split(".")
        if root == "guardrails":
            assert path[0] in Guardrails.model_fields, name


@pytest.mark.parametrize("name", sorted(proposal_facts()))
def test_a_proposal_writes_nothing_and_names_the_change(tmp_path: Path, name: str) -> None:
    """A2 comes with the exact change; A3 with an explanation; neither can be applied."""
    bench = Bench(tmp_path, failed("hopeless"))
    with pytest.raises(Refused) as refused:
        bench.plan(name, Cause.UNKNOWN)
    assert str(refused.value)
    assert "{" not in str(refused.value)
    if proposal_facts()[name].level is AutonomyLevel.APPROVAL:
        assert isinstance(refused.value, Proposed)
        assert refused.value.change.wording(bench.site).diff


def test_the_fargate_table_is_the_published_one() -> None:
    """Spot checks of every row: how many sizes, the smallest, the largest (botocore ResourceRequirement)."""
    rows: dict[float, list[int]] = {}
    for pair in limits().fargate_pairs():
        rows.setdefault(pair.vcpus, []).append(pair.memory_mib)
    found = {vcpus: (len(sizes), min(sizes), max(sizes)) for vcpus, sizes in rows.items()}
    assert found == {
        0.25: (3, 512, 2048),
        0.5: (4, 1024, 4096),
        1: (7, 2048, 8192),
        2: (13, 4096, 16384),
        4: (23, 8192, 30720),
        8: (12, 16384, 61440),
        16: (12, 32768, 122880),
    }


@pytest.mark.parametrize("cause", [cause for cause in Cause if cause.cause_class in DETERMINISTIC])
def test_a_doomed_retry_is_refused(tmp_path: Path, cause: Cause) -> None:
    """What is deterministic is never tried again unchanged; a crash is, once, and a right that was just given."""
    bench = Bench(tmp_path, failed("x"), guardrails={"retry": {"max": 9, "base_s": 0}})
    if cause in {Cause.APP_CRASH, Cause.SUBMIT_PERMISSION}:
        bench.plan("retry_same", cause)
        bench.seen = 2
    with pytest.raises(Refused, match="doomed|retried 1 times"):
        bench.plan("retry_same", cause)


@pytest.mark.parametrize(("cause", "most"), [(Cause.DOCKER_TRANSIENT, 3), (Cause.NETWORK_CONNECTIVITY, 1)])
def test_a_transient_failure_has_its_ceiling(tmp_path: Path, cause: Cause, most: int) -> None:
    """The class's figure, whatever the target would allow."""
    bench = Bench(tmp_path, failed("x"), guardrails={"retry": {"max": 10, "base_s": 0}})
    bench.seen = most
    assert bench.plan("retry_same", cause).steps == most
    bench.seen = most + 1
    with pytest.raises(Refused, match=f"{most} times"):
        bench.plan("retry_same", cause)
