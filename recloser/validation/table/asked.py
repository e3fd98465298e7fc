"""The expectations a table's owner asks for by name, and the declared ones, put to Great Expectations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from recloser.validation.errors import BadInputError
from recloser.validation.expectations import KEY, NAME, ask, stock
from recloser.validation.findings import Finding, Gate, State

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from recloser.validation.table.expected import Expectation, TableSpec

__all__ = ["NAME", "asked_findings"]
_DECLARED = "declared"


def asked_findings(typed: pd.DataFrame, spec: TableSpec, *, docs: Path | None = None) -> list[Finding]:
    """One finding per expectation that was asked for, and one for all that follow from the declaration.

    Args:
        typed: The declared columns that are there, in their types.
        spec: What is declared.
        docs: Where to build Data Docs.
    """
    declared = {f"{_DECLARED}.{number}": kind for number, kind in enumerate(_declared(typed, spec))}
    asked = {f"asked.{number}": expected for number, expected in enumerate(spec.expectations)}
    answerable = {key: expected for key, expected in asked.items() if _can_be_asked(expected, typed)}
    questions: list[Any] = [kind(**arguments, meta={KEY: key}) for key, (kind, arguments) in declared.items()]
    questions += [_question(key, expected) for key, expected in answerable.items()]
    said = ask({"table": questions}, {"table": typed}, docs=docs)
    refused = [key for key in declared if not said.get(key, False)]
    findings = [_of_declared(refused, len(declared))]
    findings += [_of_asked(expected, said.get(key) if key in answerable else None) for key, expected in asked.items()]
    return findings


def _question(key: str, expected: Expectation) -> Any:
    try:
        return getattr(stock, expected.type)(**expected.arguments, severity=expected.gate.value, meta={KEY: key})
    except (TypeError, ValueError) as error:
        said = " ".join(str(error).split())[:300]
        raise BadInputError(f"{expected.type} cannot be asked with these arguments: {said}") from error


def _declared(typed: pd.DataFrame, spec: TableSpec) -> list[tuple[Any, dict[str, Any]]]:
    """Stock expectations that follow from the declaration; rows are counted, since the rest skip what is missing."""
    most = spec.max_rows
    found: list[tuple[Any, dict[str, Any]]] = [
        (stock.ExpectTableRowCountToBeBetween, {"min_value": spec.min_rows, "max_value": most})
    ]
    for name, expected in spec.columns.items():
        if name not in typed:
            found.append((stock.ExpectColumnToExist, {"column": name}))
            continue
        if not expected.nulls:
            found.append((stock.ExpectColumnValuesToNotBeNull, {"column": name}))
        if expected.min is not None or expected.max is not None:
            limits = {"min_value": expected.min, "max_value": expected.max}
            found.append((stock.ExpectColumnValuesToBeBetween, {"column": name, **limits}))
        if expected.unique:
            found.append((stock.ExpectColumnValuesToBeUnique, {"column": name}))
    if spec.key and all(name in typed for name in spec.key) and len(spec.key) > 1:
        found.append((stock.ExpectCompoundColumnsToBeUnique, {"column_list": list(spec.key)}))
    return found


def _can_be_asked(expected: Expectation, typed: pd.DataFrame) -> bool:
    # Of an empty table or column Great Expectations finds everything right.
    return len(typed) > 0 and all(name in typed and typed[name].notna().any() for name in expected.columns)


def _of_declared(refused: list[str], of: int) -> Finding:
    return Finding(
        rule="gx",
        title="Great Expectations finds the declaration kept",
        gate=Gate.CRITICAL,
        state=State.FAILED if refused else State.PASSED,
        message=f"{len(refused)} of {of} stock expectations that follow from the declaration are not met"
        if refused
        else "",
        count=len(refused),
        of=of,
    )


def _of_asked(expected: Expectation, success: bool | None) -> Finding:  # noqa: FBT001 - an answer, or none
    arguments = ", ".join(f"{name} {value}" for name, value in expected.arguments.items())
    state = {None: State.NOT_RUN, True: State.PASSED, False: State.FAILED}[success]
    said = {None: "there are no rows or values to ask it of", True: "", False: f"it is not met: {arguments}"[:400]}
    return Finding(
        rule=expected.type,
        title=arguments[:200],
        gate=expected.gate,
        state=state,
        message=said[success],
        count=int(success is False),
        of=1,
    )
