"""What may be done about a cause. A remedy plans one change, or refuses with a reason a person can read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Discriminator, TypeAdapter

from recloser.healing.remedies.change import Case, Change, Wording
from recloser.healing.remedies.environment import SetEnvironment, set_environment
from recloser.healing.remedies.image import PinImage, RebuildImage, pin_image, rebuild_image
from recloser.healing.remedies.inputs import RestoreInput, restore_input
from recloser.healing.remedies.memory import RaiseMemory, raise_memory
from recloser.healing.remedies.permission import GrantPermission, grant_permission
from recloser.healing.remedies.retry import RetrySame, retry_same
from recloser.healing.remedies.test_data import StageTestData, stage_test_data

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recloser.healing.remedies.change import Remedy

REMEDIES: Mapping[str, Remedy] = {
    "grant_permission": grant_permission,
    "pin_image": pin_image,
    "raise_memory": raise_memory,
    "rebuild_image": rebuild_image,
    "restore_input": restore_input,
    "retry_same": retry_same,
    "set_environment": set_environment,
}

AnyChange = Annotated[
    SetEnvironment | RaiseMemory | GrantPermission | RestoreInput | PinImage | RebuildImage | RetrySame | StageTestData,
    Discriminator("kind"),
]
_ADAPTER: TypeAdapter[AnyChange] = TypeAdapter(AnyChange)


def restore_change(payload: Mapping[str, Any]) -> Change:
    """A change as it was written to the store."""
    return _ADAPTER.validate_python(payload)


__all__ = ["REMEDIES", "Case", "Change", "Wording", "restore_change", "stage_test_data"]
