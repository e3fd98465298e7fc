"""What may be done about a cause. A remedy plans one change, or refuses with a reason a person can read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Discriminator, TypeAdapter

from recloser.healing.remedies.accept import AcceptOutput, accept_output
from recloser.healing.remedies.catalogue import proposal_facts, remedy_facts
from recloser.healing.remedies.change import Case, Change, Wording
from recloser.healing.remedies.command import request_gpu, restore_command
from recloser.healing.remedies.definition import (
    grow_disk,
    set_job_role,
    set_platform,
    set_shared_memory,
    unset_static_keys,
)
from recloser.healing.remedies.environment import SetEnvironment, set_environment
from recloser.healing.remedies.image import RebuildImage, pin_image, rebuild_image
from recloser.healing.remedies.inputs import RestoreInput, restore_input
from recloser.healing.remedies.lever import lower_parallelism
from recloser.healing.remedies.log_group import CreateLogGroup, create_log_group, fix_log_options
from recloser.healing.remedies.memory import raise_memory
from recloser.healing.remedies.override import Override
from recloser.healing.remedies.permission import GrantPermission, grant_permission, policy_of
from recloser.healing.remedies.proposal import Proposal, proposer
from recloser.healing.remedies.queue import switch_queue
from recloser.healing.remedies.region import switch_region
from recloser.healing.remedies.request import RepairRequest, repair_request
from recloser.healing.remedies.retry import (
    Retry,
    retry_after_output_check,
    retry_backoff,
    retry_other_host,
    retry_same,
)
from recloser.healing.remedies.revision import Revision
from recloser.healing.remedies.sizes import clamp_resources, round_up_fargate
from recloser.healing.remedies.test_data import StageTestData, stage_test_data
from recloser.healing.remedies.timeout import raise_timeout
from recloser.healing.remedies.trust import FixTrust, fix_trust

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recloser.healing.remedies.change import Remedy

REMEDIES: Mapping[str, Remedy] = {
    remedy.__name__: remedy
    for remedy in (
        accept_output,
        clamp_resources,
        create_log_group,
        fix_log_options,
        fix_trust,
        grant_permission,
        grow_disk,
        lower_parallelism,
        pin_image,
        raise_memory,
        raise_timeout,
        rebuild_image,
        repair_request,
        request_gpu,
        restore_command,
        restore_input,
        retry_after_output_check,
        retry_backoff,
        retry_other_host,
        retry_same,
        round_up_fargate,
        set_environment,
        set_job_role,
        set_platform,
        set_shared_memory,
        switch_queue,
        switch_region,
        unset_static_keys,
    )
} | {name: proposer(name) for name in proposal_facts()}

AnyChange = Annotated[
    AcceptOutput
    | CreateLogGroup
    | FixTrust
    | GrantPermission
    | Override
    | Proposal
    | RebuildImage
    | RepairRequest
    | RestoreInput
    | Retry
    | Revision
    | SetEnvironment
    | StageTestData,
    Discriminator("kind"),
]
_ADAPTER: TypeAdapter[AnyChange] = TypeAdapter(AnyChange)


def restore_change(payload: Mapping[str, Any]) -> Change:
    """A change as it was written to the store."""
    return _ADAPTER.validate_python(payload)


__all__ = [
    "REMEDIES",
    "AcceptOutput",
    "Case",
    "Change",
    "GrantPermission",
    "Proposal",
    "Wording",
    "policy_of",
    "remedy_facts",
    "restore_change",
    "stage_test_data",
]
