"""What healed a job, as documents that make it permanent: exactly the changes in force, and no value."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from recloser.aws import NotFound
from recloser.healing import until_settled
from recloser.store import Store
from recloser.values import Patch, Verdict
from tests.unit.healing.fakes import failed, succeeded
from tests.unit.healing.test_minimise import World
from tests.unit.healing.test_session import MISSING_A, healing_of

if TYPE_CHECKING:
    from pathlib import Path

ALL = {"environment", "permission", "memory"}


def patch_of(world: World) -> Patch:
    """The patch of the one incident, as the store has it."""
    world.run()
    (incident,) = world.store.incidents()
    world.store.close()
    assert incident.verdict is Verdict.HEALED
    assert incident.patch is not None
    return incident.patch


def test_the_definition_differs_in_what_was_changed_and_in_nothing_else(tmp_path: Path) -> None:
    """A variable by name, a size by value; what was there stays."""
    patch = patch_of(World(tmp_path, needed=ALL))
    assert patch.definition is not None
    assert (patch.definition.name, patch.definition.based_on) == ("optimo", "optimo:3")
    assert patch.definition.changed == ("containerProperties.environment", "containerProperties.resourceRequirements")
    container = json.loads(patch.definition.document)["containerProperties"]
    assert container["environment"] == [
        {"name": "TOKEN", "value": "${TOKEN}"},
        {"name": "VAR_A", "value": "${VAR_A}"},
    ]
    assert container["resourceRequirements"] == [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "512"}]
    assert container["command"] == ["run"]
    assert patch.definition.environment == ("TOKEN", "VAR_A")


def test_only_one_field_differs_where_one_change_stays(tmp_path: Path) -> None:
    """The minimal fix is a minimal patch."""
    patch = patch_of(World(tmp_path, needed={"memory"}))
    assert patch.definition is not None
    assert patch.definition.changed == ("containerProperties.resourceRequirements",)
    assert patch.policies == ()


def test_a_role_gets_one_policy_of_what_it_needs(tmp_path: Path) -> None:
    """The exact call on the exact object; Recloser's own inline policy is named as what can go then."""
    patch = patch_of(World(tmp_path, needed={"permission"}))
    (policy,) = patch.policies
    assert patch.definition is None
    assert (policy.role, policy.name) == ("optimo-job", "optimo-optimo-job-needs")
    (statement,) = json.loads(policy.document)["Statement"]
    assert (statement["Action"], statement["Resource"]) == ("s3:GetObject", ["arn:aws:s3:::data/in/load.csv"])
    assert patch.undo == ("aws iam delete-role-policy --role-name optimo-job --policy-name optimo-optimo-job-needs",)
    (left,) = patch.tidy
    assert "delete-role-policy" in left


def test_nothing_is_kept_where_nothing_was_needed(tmp_path: Path) -> None:
    """No patch."""
    world = World(tmp_path, needed=set())
    assert world.run().patch is None
    world.store.close()


def test_a_definition_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    """The incident closes all the same."""
    world = World(tmp_path, needed={"memory"})

    def gone(name: str) -> str:
        raise NotFound("no such definition", service="batch", operation="DescribeJobDefinitions")

    world.account.batch.blueprint = gone  # type: ignore[method-assign]
    patch = patch_of(world)
    assert patch.definition is None
    assert "no such definition" in patch.by_hand[0]


def test_no_secret_is_in_it(tmp_path: Path) -> None:
    """Known ones, such as look like one, and whatever a log driver's option of such a name holds."""
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}") as store:
        healing, account = healing_of(
            store,
            tmp_path,
            lambda spec: succeeded() if "VAR_A" in spec.environment else failed(MISSING_A),
            catalogue={"VAR_A": {"value": "catalogued-value"}},
        )
        plain = json.loads(account.batch.blueprint("optimo"))
        plain["containerProperties"]["command"] = ["run", "--password=hunter2-hunter2", "AKIAIOSFODNN7EXAMPLE"]
        plain["containerProperties"]["logConfiguration"] = {
            "logDriver": "splunk",
            "options": {"splunk-token": "deadbeef-cafe", "splunk-url": "https://splunk"},
            "secretOptions": [{"name": "splunk-token", "valueFrom": "arn:aws:secretsmanager:us-east-1:0:secret:x"}],
        }
        account.batch.blueprint = lambda name: json.dumps(plain)  # type: ignore[method-assign]
        incident = until_settled(healing)
    assert incident.patch is not None
    text = incident.patch.model_dump_json()
    for secret in ("catalogued-value", "hunter2", "deadbeef", "AKIAIOSFODNN7EXAMPLE"):
        assert secret not in text
    assert "arn:aws:secretsmanager" in text
