"""What may be asked for, and what is refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recloser.grid import SIZES, BadRequestError, UnknownCaseError, load_network, request_dataset, request_size


@pytest.mark.parametrize(("size", "shape"), [("small", (50, 14)), ("medium", (200, 30)), ("large", (1000, 118))])
def test_a_size_is_a_number_of_steps_on_a_network(size: str, shape: tuple[int, int]) -> None:
    """The three sizes of the reference."""
    request = request_size(size, seed=3)
    assert (request.n_steps, request.n_buses, request.seed) == (*shape, 3)


def test_every_size_names_a_registered_network() -> None:
    """A size that cannot be made would be found by its user only."""
    for case, _ in SIZES.values():
        assert load_network(case).name == case


def test_a_network_goes_by_its_number_of_buses_too() -> None:
    """`--case 118` is what a person types."""
    assert request_dataset("118", 3) == request_dataset("case118", 3)


def test_the_name_of_a_dataset_follows_from_what_was_asked_for() -> None:
    """Only what differs from the usual is said."""
    assert request_dataset("30", 7, seed=4).dataset_id == "case30-7-seed4"
    assert request_dataset("30", 7, seed=4, level=0.9).dataset_id == "case30-7-seed4-level0.9"


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"n_steps": 0}, "n_steps"),
        ({"n_steps": -1}, "n_steps"),
        ({"n_steps": 10**9}, "n_steps"),
        ({"n_steps": True}, "n_steps"),
        ({"n_steps": 2.5}, "n_steps"),
        ({"n_steps": "7"}, "n_steps"),
        ({"n_steps": 1, "seed": -1}, "seed"),
        ({"n_steps": 1, "seed": 2**63}, "seed"),
        ({"n_steps": 1, "level": 0.0}, "level"),
        ({"n_steps": 1, "level": float("nan")}, "level"),
        ({"n_steps": 1, "level": float("inf")}, "level"),
    ],
)
def test_an_argument_out_of_its_bounds_is_named(arguments: dict[str, Any], field: str) -> None:
    """One line says which, what was given and what was expected."""
    with pytest.raises(BadRequestError, match=f"^{field} = .* cannot be: ") as caught:
        request_dataset("case14", **arguments)
    assert "\n" not in str(caught.value)


@given(name=st.text(max_size=20).filter(lambda name: name not in {"14", "30", "118", "case14", "case30", "case118"}))
def test_no_other_name_is_a_network(name: str) -> None:
    """A name is looked up, never made into a path."""
    with pytest.raises(UnknownCaseError, match="there are case14, case30, case118"):
        request_dataset(name, 1)


def test_an_unknown_size_is_named_beside_the_known_ones() -> None:
    """The message says what there is."""
    with pytest.raises(BadRequestError, match="small, medium, large"):
        request_size("huge")
