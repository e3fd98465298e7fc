"""Read-only questions to the account that confirm or refute what a text suggests.

A probe is a function of the match and the evidence. It may add facts that remedies need, and it may name what the
account shows instead. One that cannot be made says so: an unchecked diagnosis is believed less, and the report names
the gap. What no probe asks is a gap as well (`gaps`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recloser.aws import AwsError
from recloser.healing.probes.answer import Finding, Probe, Probed, not_checked
from recloser.healing.probes.environment import job_role_absent, region_unset, static_keys_set, variable_unset
from recloser.healing.probes.images import image_absent, platform_lacking, registry_host_wrong
from recloser.healing.probes.log_groups import (
    log_group_absent,
    log_group_present,
    log_region_wrong,
    log_stream_denied,
)
from recloser.healing.probes.objects import input_absent, input_empty, object_absent
from recloser.healing.probes.places import (
    definition_absent,
    environment_invalid,
    host_is_spot,
    quota_before_capacity,
    region_wrong,
    stop_requested,
    too_large_for_queue,
)
from recloser.healing.probes.rights import (
    role_denied,
    signed_by_another,
    start_role_denied,
    submitter_denied,
    trust_lacks_tasks,
)
from recloser.healing.probes.sizes import (
    fargate_pair_unoffered,
    gpu_not_requested,
    memory_at_limit,
    memory_reason,
    scratch_given,
    shared_memory_given,
    time_limit_reached,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recloser.diagnosis import Match
    from recloser.healing.site import Site
    from recloser.values import Evidence

__all__ = ["PROBES", "Finding", "Probe", "Probed", "ask"]

PROBES: Mapping[str, Probe] = {
    probe.__name__: probe
    for probe in (
        definition_absent,
        environment_invalid,
        fargate_pair_unoffered,
        gpu_not_requested,
        host_is_spot,
        image_absent,
        input_absent,
        input_empty,
        job_role_absent,
        log_group_absent,
        log_group_present,
        log_region_wrong,
        log_stream_denied,
        memory_at_limit,
        memory_reason,
        object_absent,
        platform_lacking,
        quota_before_capacity,
        region_unset,
        region_wrong,
        registry_host_wrong,
        role_denied,
        scratch_given,
        shared_memory_given,
        signed_by_another,
        start_role_denied,
        static_keys_set,
        stop_requested,
        submitter_denied,
        time_limit_reached,
        too_large_for_queue,
        trust_lacks_tasks,
        variable_unset,
    )
}


def ask(name: str, site: Site, match: Match, evidence: Evidence) -> Probed:
    """Make one probe; an account that does not answer is a gap, not a failure."""
    probe = PROBES[name]
    try:
        return probe(site, match, evidence)
    except AwsError as error:
        return not_checked(f"{(probe.__doc__ or name).partition('?')[0]}? {error}")
