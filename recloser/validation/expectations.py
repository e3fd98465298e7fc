"""The same checks as stock expectations, run by Great Expectations on the same tables.

Known of Great Expectations 1.24: rows with a missing value are skipped, an empty table passes, and a column that is
missing or of another type gives a failure without a result. So no missing value reaches a computed column, tables that
must have rows are counted, and of a result only `success` is believed. A rule passes when both judges pass it: a
difference between them is a failure that says so.
"""

from __future__ import annotations

import logging
import os
import warnings
from dataclasses import replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from recloser.validation.data_docs import docs_folder
from recloser.validation.findings import State

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of libraries that are imported here; none is ours to mend
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig
    from great_expectations.expectations import core
# It sets its own level, and tells whoever validates a table of the temporary folder it made.
logging.getLogger("great_expectations.data_context.types.base").setLevel(logging.WARNING)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import pandas as pd

    from recloser.validation.judge import Outcome
    from recloser.validation.judged import Table
    from recloser.validation.rules import Check, Rule
    from recloser.validation.tables import Tables

    Judged = tuple[tuple[Rule, tuple[Outcome, ...]], ...]

stock: Any = core  # its names are made public without being exported
NAME = f"great_expectations {version('great-expectations')}"
_FINITE = 1e300  # a rule with one limit would let the other infinity pass
KEY = "recloser"
"""Under which an expectation's `meta` names its question."""


def confirm(tables: Tables, judged: Judged, *, docs: Path | None = None) -> tuple[Judged, str]:
    """Put every check that was run to Great Expectations as well.

    Args:
        tables: What is judged.
        judged: What the fast judge found.
        docs: Where to build Data Docs; they make no request to anywhere.

    Returns:
        The outcomes both judges stand for, and the name of this judge.
    """
    questions: dict[str, list[Any]] = {}
    for rule, outcomes in judged:
        for number, found in enumerate(outcomes):
            if found.state in {State.PASSED, State.FAILED}:
                asked = _expectation(found.check, tables[found.check.table], rule, f"{rule.id}.{number}")
                questions.setdefault(found.check.table, []).append(asked)
    said = ask(questions, {name: tables[name].frame for name in questions}, docs=docs)
    both = tuple(
        (rule, tuple(_agreed(found, said.get(f"{rule.id}.{number}")) for number, found in enumerate(outcomes)))
        for rule, outcomes in judged
    )
    return both, NAME


def ask(
    questions: Mapping[str, list[Any]], frames: Mapping[str, pd.DataFrame], *, docs: Path | None = None
) -> dict[str, bool]:
    """Run one suite per table, and say by name whether each expectation was met.

    Args:
        questions: The expectations of each table; `meta` of each names it, under `KEY`.
        frames: The tables.
        docs: Where to build Data Docs of all of it.
    """
    said: dict[str, bool] = {}
    with docs_folder(docs) as site:
        context = _context(site)
        source = context.data_sources.add_pandas("tables")
        for table, asked in questions.items():
            batch = source.add_dataframe_asset(table).add_batch_definition_whole_dataframe("whole")
            suite = context.suites.add(gx.ExpectationSuite(name=table, expectations=asked))
            definition = gx.ValidationDefinition(name=table, data=batch, suite=suite)
            definition = context.validation_definitions.add(definition)
            parameters = {"dataframe": frames[table]}
            if docs is None:
                result = definition.run(batch_parameters=parameters, result_format="BOOLEAN_ONLY")
                said |= _answers(result)
            else:
                checkpoint = gx.Checkpoint(name=table, validation_definitions=[definition], result_format="SUMMARY")
                outcome = context.checkpoints.add(checkpoint).run(batch_parameters=parameters)
                for result in outcome.run_results.values():
                    said |= _answers(result)
        if docs is not None:
            context.build_data_docs()
    return said


def _context(site: Path | None) -> Any:
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    if site is not None:
        backend = {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(site)}
        index = {"class_name": "DefaultSiteIndexBuilder"}
        for name in context.get_site_names():
            context.delete_data_docs_site(name)
        kind: Any = {"class_name": "SiteBuilder", "store_backend": backend, "site_index_builder": index}
        context.add_data_docs_site(site_name="local", site_config=kind)
    return context


def _answers(result: Any) -> dict[str, bool]:
    # `result` of an expectation that could not be evaluated is empty: nothing but `success` is read.
    return {found.expectation_config.meta[KEY]: bool(found.success) for found in result.results}


def _agreed(found: Outcome, success: bool | None) -> Outcome:  # noqa: FBT001 - what the other judge said
    if found.state not in {State.PASSED, State.FAILED} or success is (found.state is State.PASSED):
        return found
    other = {None: "gave no answer", True: "passes it", False: "fails it"}[success]
    said = found.message or "numpy finds nothing wrong"
    return replace(found, state=State.FAILED, message=f"{said}; {NAME} {other}", count=max(found.count, 1))


def _expectation(check: Check, table: Table, rule: Rule, key: str) -> Any:
    kind, arguments = _STOCK[check.kind](check, table)
    return kind(**arguments, severity=rule.gate.value, notes=f"{rule.id}: {rule.title}", meta={KEY: key})


_STOCK: Mapping[str, Callable[[Check, Table], tuple[Any, dict[str, Any]]]] = {
    "columns": lambda _, table: (stock.ExpectTableColumnsToMatchOrderedList, {"column_list": list(table.columns)}),
    "rows": lambda _, table: (stock.ExpectTableRowCountToEqual, {"value": table.n_rows}),
    "unique": lambda check, _: (stock.ExpectCompoundColumnsToBeUnique, {"column_list": list(check.columns)}),
    "set": lambda check, table: (
        stock.ExpectColumnDistinctValuesToEqualSet,
        {"column": check.column, "value_set": list(range(table.positions[check.column]))},
    ),
    "not_null": lambda check, _: (stock.ExpectColumnValuesToNotBeNull, {"column": check.column}),
    "equal": lambda check, _: (
        stock.ExpectColumnPairValuesToBeEqual,
        {"column_A": check.column, "column_B": check.other},
    ),
    "between": lambda check, _: (
        stock.ExpectColumnValuesToBeBetween,
        {
            "column": check.column,
            "min_value": -_FINITE if check.min is None else check.min,
            "max_value": _FINITE if check.max is None else check.max,
        },
    ),
}
