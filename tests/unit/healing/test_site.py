"""Is what a target declares there? If not, where it is."""

from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from recloser.healing import NotReady, prepare
from recloser.values import JobDefinition
from tests.unit.healing.fakes import FakeAccount, FakeBatch, a_target

if TYPE_CHECKING:
    from recloser.aws import Account

THERE = {"optimo": JobDefinition(arn="arn:optimo:1", name="optimo", revision=1, image="i")}
JOB = {"queue": "optimo", "definition": "optimo", "role": "optimo-job"}


def test_a_job_that_lives_in_another_declared_region_is_found_there(tmp_path: Path) -> None:
    """The message is the command to run; nothing is submitted anywhere."""
    account = FakeAccount(batch=FakeBatch(closed={"optimo"}))
    account.others = {"eu-west-1": FakeAccount(region="eu-west-1", batch=FakeBatch(definitions=THERE))}
    target = a_target(tmp_path, job=JOB | {"regions": ["eu-west-2", "eu-west-1"]})
    with pytest.raises(NotReady, match="AWS_DEFAULT_REGION=eu-west-1"):
        prepare(target, cast("Account", account))
    regions = [{"name": "eu-west-1", "queue": "optimo-eu"}]
    with pytest.raises(NotReady, match="as queue optimo-eu and definition optimo .*AWS_DEFAULT_REGION=eu-west-1"):
        prepare(a_target(tmp_path, guardrails={"regions": regions}), cast("Account", account))
    with pytest.raises(NotReady, match="Check `\\[job\\]`"):
        prepare(a_target(tmp_path), cast("Account", account))


def test_a_job_that_is_here_needs_no_other_region(tmp_path: Path) -> None:
    """Nobody looks elsewhere."""
    account = FakeAccount(batch=FakeBatch(definitions=THERE))
    assert prepare(a_target(tmp_path, job=JOB), cast("Account", account)).target.name == "optimo"
