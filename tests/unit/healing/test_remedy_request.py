"""A submission that Batch refuses for its form: repaired without a change of meaning, for every further attempt."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from recloser.aws import Rejected
from recloser.healing import submission
from recloser.healing.casebook import Casebook
from recloser.healing.errors import Refused
from recloser.healing.refusal import as_failed_job
from recloser.healing.remedies.request import repaired
from recloser.store import Store
from recloser.values import Cause, JobDefinition, JobSpec, JobState
from tests.unit.healing.bench import Bench
from tests.unit.healing.fakes import failed

TAIL = "-20260101-000000-abcd-1"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
LEAVE = {"guardrails": {"request": {"repair": True}}}
VARIABLES = st.dictionaries(
    st.from_regex(r"(AWS_BATCH_|BATCH_|APP_)[A-Z]{0,3}", fullmatch=True), st.text(max_size=4), max_size=5
)


def spec_of(name: str = "optimo", **facts: object) -> JobSpec:
    """A submission."""
    return JobSpec.model_validate({"name": name + TAIL, "queue": "q", "definition": "d"} | facts)


@given(name=st.text(max_size=200), environment=VARIABLES, command=st.none() | st.lists(st.text(max_size=3)))
def test_a_repaired_submission_has_a_form_that_batch_takes(
    name: str, environment: dict[str, str], command: list[str] | None
) -> None:
    """Names stay unique, values stay as they are, and a second repair finds nothing to do."""
    try:
        after = repaired(spec_of(name, environment=environment, command=command, array_size=1))
    except Refused:
        assert any(f"BATCH{key.removeprefix('AWS_BATCH')}" in environment for key in environment if "AWS" in key)
        return
    assert NAME.fullmatch(after.name)
    assert after.name.endswith(TAIL)
    assert not any(key.startswith("AWS_BATCH") for key in after.environment)
    assert sorted(v.get_secret_value() for v in after.environment.values()) == sorted(environment.values())
    assert after.command == (None if command is None else tuple(word for word in command if word))
    assert after.array_size is None
    assert repaired(after) == after


def test_what_has_the_right_form_is_left_alone(tmp_path: Path) -> None:
    """Something else is refused then."""
    spec = spec_of(environment={"A": "1"}, command=("run",), array_size=5)
    assert repaired(spec) == spec
    bench = Bench(tmp_path, failed(), **LEAVE)
    bench.spec = spec
    with pytest.raises(Refused, match="job definition"):
        bench.plan("repair_request", Cause.INVALID_REQUEST)


def test_the_repair_is_shown_without_a_value_and_needs_leave(tmp_path: Path) -> None:
    """Names before and after."""
    bench = Bench(tmp_path, failed(), **LEAVE)
    bench.spec = spec_of("nightly run: case 14", environment={"AWS_BATCH_TOKEN": SecretStr("s3cr3t-value")})
    change = bench.plan("repair_request", Cause.INVALID_REQUEST)
    diff = change.wording(bench.site).diff
    assert "-jobName: nightly run: case 14-…" in diff
    assert "+jobName: nightly-run-case-14-…" in diff
    assert "+environment: BATCH_TOKEN (value not shown)" in diff
    assert "s3cr3t-value" not in diff + str(change.model_dump(mode="json"))
    assert change.amend(bench.spec, bench.site).name == f"nightly-run-case-14{TAIL}"
    silent = Bench(tmp_path, failed())
    silent.spec = bench.spec
    with pytest.raises(Refused, match="leave"):
        silent.plan("repair_request", Cause.INVALID_REQUEST)


def test_a_refused_submission_is_an_attempt_that_failed(tmp_path: Path) -> None:
    """Its evidence is what would have run, and Batch's words."""
    bench = Bench(tmp_path, failed())

    def refuse(spec: JobSpec) -> str:
        raise Rejected("Job name should match valid pattern", service="batch", operation="SubmitJob")

    bench.account.batch.submit = refuse  # type: ignore[method-assign]
    bench.account.batch.definitions["d"] = JobDefinition(
        arn="arn:d:1", name="d", revision=1, image="i", memory_mib=512, vcpus=1
    )
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}") as store:
        book = Casebook(store, bench.incident)
        record = submission.submit(bench.site, book, spec_of(vcpus=2), 1)
    assert (record.job_id, record.refused) == (None, True)
    job = as_failed_job(bench.site, record, spec_of(vcpus=2))
    assert job is not None
    assert (job.state, job.memory_mib, job.vcpus) == (JobState.FAILED, 512, 2)
    assert job.last_attempt.status_reason == "Job name should match valid pattern"
    taken = record.model_copy(update={"refused": False})
    assert as_failed_job(bench.site, taken, spec_of()) is None
