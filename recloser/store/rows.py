"""Values to rows and back, exactly: a field is in its column if the table has one, else in the JSON of `body`."""

import json
import zlib
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import TypeAdapter

from recloser.store.errors import StoreError
from recloser.store.tables import AttemptRow, Base, ChangeRow, IncidentRow
from recloser.values import AttemptRecord, ChangeRecord, Evidence, Incident, Value

V = TypeVar("V", bound=Value)

_PARTS = frozenset({"attempts", "changes"})
"""Fields that are tables of their own."""
_json_object = TypeAdapter(dict[str, Any])


def columns_of(value: Value, table: type[Base]) -> dict[str, Any]:
    """The columns that hold a value in a table, `body` included."""
    names = _column_names(type(value), table)
    rest = value.model_dump(mode="json", exclude={*names, *_PARTS})
    # ASCII only: JSON's escapes carry what a database refuses as text (NUL bytes, lone surrogates of a broken log).
    return {name: getattr(value, name) for name in sorted(names)} | {"body": json.dumps(rest)}


def payload_json(record: ChangeRecord, payload: Mapping[str, Any]) -> str:
    """The JSON that a change's payload is kept as.

    Raises:
        StoreError: It is not JSON; a `SecretStr` is not, so that no secret can be written down by accident.
    """
    try:
        return json.dumps(dict(payload), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise StoreError(f"the payload of change {record.change_id} is not JSON: {error}") from error


def incident_of(row: IncidentRow) -> Incident:
    """An incident with its attempts by number and its changes in the order of planning."""
    attempts = tuple(map(attempt_of, row.attempts))
    return value_of(Incident, row, attempts=attempts, changes=tuple(map(change_of, row.changes)))


def attempt_of(row: AttemptRow) -> AttemptRecord:
    """The attempt a row holds."""
    return value_of(AttemptRecord, row)


def change_of(row: ChangeRow) -> ChangeRecord:
    """The change a row holds, as a person reads it."""
    return value_of(ChangeRecord, row)


def payload_of(row: ChangeRow) -> dict[str, Any]:
    """The change a row holds, as its remedy applies and reverts it."""
    return _json_object.validate_python(json.loads(row.payload))


def value_of(model: type[V], row: Base, **parts: object) -> V:
    """The value that a row with a `body` holds, completed by parts that are rows of their own."""
    columns = {name: getattr(row, name) for name in (*_column_names(model, type(row)), "body")}
    body = _json_object.validate_python(json.loads(columns.pop("body")))
    return model.model_validate(body | columns | parts)


def _column_names(model: type[Value], table: type[Base]) -> frozenset[str]:
    return frozenset(model.model_fields) & frozenset(table.__table__.columns.keys())


def fields_of(row: Base, model: type[Value]) -> dict[str, Any]:
    """The fields of a value whose every field is a column."""
    return {name: getattr(row, name) for name in model.model_fields}


def pack_evidence(evidence: Evidence) -> bytes:
    """Evidence as compressed JSON; secrets are masked by their type."""
    return zlib.compress(json.dumps(evidence.model_dump(mode="json")).encode())


def unpack_evidence(packed: bytes) -> Evidence:
    """The evidence as it was packed.

    Raises:
        StoreError: It is damaged.
    """
    try:
        return Evidence.model_validate_json(zlib.decompress(packed))
    except zlib.error as error:
        raise StoreError(f"it holds unreadable evidence: {error}") from error
