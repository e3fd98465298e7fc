"""The life of a change: every step that is not drawn is refused."""

import itertools

import pytest

from recloser.store import StoreError
from recloser.store.transitions import MAY_FOLLOW, check_transition
from recloser.values import ChangeState

LEGAL = {
    ("planned", "declined"),
    ("planned", "applied"),
    ("planned", "failed"),
    ("planned", "undone"),
    ("applied", "verified"),
    ("applied", "failed"),
    ("applied", "reverted"),
    ("verified", "reverted"),
    ("verified", "withheld"),
    ("withheld", "verified"),
    ("withheld", "reverted"),
}


@pytest.mark.parametrize(("present", "wanted"), list(itertools.product(ChangeState, ChangeState)))
def test_only_the_drawn_steps_are_taken(present: ChangeState, wanted: ChangeState) -> None:
    """A step is taken if and only if it is one of the eleven."""
    if (present, wanted) in LEGAL:
        check_transition("c-1", present, wanted)
    else:
        with pytest.raises(StoreError, match=f"c-1 is {present} and cannot become {wanted}"):
            check_transition("c-1", present, wanted)


def test_every_state_is_drawn() -> None:
    """A new state cannot be forgotten in the table."""
    assert set(MAY_FOLLOW) == set(ChangeState)
