"""The life of a change as a table: what may follow what."""

from recloser.store.errors import StoreError
from recloser.values import ChangeState

MAY_FOLLOW: dict[ChangeState, frozenset[ChangeState]] = {
    ChangeState.PLANNED: frozenset({ChangeState.DECLINED, ChangeState.APPLIED, ChangeState.FAILED, ChangeState.UNDONE}),
    ChangeState.APPLIED: frozenset({ChangeState.VERIFIED, ChangeState.FAILED, ChangeState.REVERTED}),
    ChangeState.VERIFIED: frozenset({ChangeState.REVERTED, ChangeState.WITHHELD}),
    ChangeState.WITHHELD: frozenset({ChangeState.VERIFIED, ChangeState.REVERTED}),
    ChangeState.DECLINED: frozenset(),
    ChangeState.FAILED: frozenset(),
    ChangeState.REVERTED: frozenset(),
    ChangeState.UNDONE: frozenset(),
}


def check_transition(change_id: str, present: ChangeState, wanted: ChangeState) -> None:
    """Refuse a step that a change cannot take.

    Raises:
        StoreError: `wanted` may not follow `present`.
    """
    if wanted not in MAY_FOLLOW[present]:
        allowed = ", ".join(sorted(MAY_FOLLOW[present])) or "nothing, it is settled for good"
        raise StoreError(f"change {change_id} is {present} and cannot become {wanted}; what may follow: {allowed}")
