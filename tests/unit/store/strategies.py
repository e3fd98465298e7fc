"""Hypothesis strategies for any value, drawn from the models themselves: a new field is covered at once."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from recloser.values import AttemptRecord, ChangeRecord, ChangeState, Incident, Value

KEY_FIELDS = frozenset({"incident_id", "target", "job_id", "change_id", "remedy"})
"""Fields that are columns, so that their text must be encodable and free of NUL; the rest may hold anything."""

any_text = st.text(st.characters(exclude_categories=()), max_size=30)
encodable_text = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=30)
_zones = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-8))])
_scalars: dict[Any, SearchStrategy[Any]] = {
    str: any_text,
    bool: st.booleans(),
    int: st.integers(min_value=1, max_value=2**31 - 1),
    float: st.floats(min_value=0, max_value=1),
    datetime: st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1), timezones=_zones),  # noqa: DTZ001 - zones follow
    NoneType: st.none(),
}


def values(model: type[Value], **given: SearchStrategy[Any]) -> SearchStrategy[Any]:
    """Any value of a model, with some fields drawn as given."""
    fields = {name: _drawn(name, field.annotation) for name, field in model.model_fields.items() if name not in given}
    return st.builds(model, **fields, **given)


def attempts(**given: SearchStrategy[Any]) -> SearchStrategy[AttemptRecord]:
    """Any attempt."""
    return values(AttemptRecord, **given)


def planned_changes(**given: SearchStrategy[Any]) -> SearchStrategy[ChangeRecord]:
    """Any change that is only planned."""
    return values(ChangeRecord, state=st.just(ChangeState.PLANNED), **given)


def bare_incidents(**given: SearchStrategy[Any]) -> SearchStrategy[Incident]:
    """Any incident without its attempts and changes."""
    return values(Incident, attempts=st.just(()), changes=st.just(()), **given)


def payloads() -> SearchStrategy[dict[str, Any]]:
    """Any JSON object."""
    scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | any_text
    nested = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(any_text, inner), max_leaves=8)
    return st.dictionaries(any_text, nested, max_size=4)


def _drawn(name: str, annotation: Any) -> SearchStrategy[Any]:
    if name in KEY_FIELDS:
        return encodable_text if NoneType not in get_args(annotation) else st.none() | encodable_text
    return _of(annotation)


def _of(annotation: Any) -> SearchStrategy[Any]:
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin in {Union, UnionType}:
        return st.one_of(*map(_of, inner))
    if origin is tuple:
        return st.lists(_of(inner[0]), max_size=2).map(tuple)
    if origin is Mapping:
        return st.dictionaries(_of(inner[0]), _of(inner[1]), max_size=2)
    if annotation in _scalars:
        return _scalars[annotation]
    return st.sampled_from(annotation) if issubclass(annotation, StrEnum) else values(annotation)
