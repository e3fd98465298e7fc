"""The data sets a target declares, judged: files by their declaration, answers of services by the rules of grids.

Here the declaration of `recloser.target` becomes what `recloser.validation` expects; neither knows the other.
"""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from pydantic import ValidationError

from recloser.grid import DatasetError, open_dataset, request_dataset, request_size, write_dataset
from recloser.target import TargetError
from recloser.validation import BadInputError, Report, check_answer, check_document, validate_dataset
from recloser.validation.findings import Gate
from recloser.validation.table import (
    ColumnSpec,
    Expectation,
    TableBaseline,
    TableSpec,
    measure_table,
    read_any_table,
    read_table_baseline,
    validate_table,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recloser.grid import DatasetRequest, StoredDataset
    from recloser.target import DataSet, Generate, System

MOST_ANSWER_BYTES = 256 * 2**20


CACHE = Path(".recloser/data")
"""Where datasets are made when nothing is said: the same folder that `recloser data generate` uses."""


def judge_declared(system: System, name: str, *, docs: Path | None = None, cache: Path = CACHE) -> Report:
    """Judge one data set of a target; a service that is asked for it must be running.

    Args:
        system: The target.
        name: What the data set is called there.
        docs: Where to build the Data Docs of Great Expectations; of tables and folders only.
        cache: Where datasets that are to be made are made, and found again.

    Raises:
        TargetError: The target declares no such data set, or declares what cannot be expected of one.
        BadInputError: The data cannot be read, or the service does not give it.
    """
    if name not in system.data:
        raise TargetError(f"{system.name} declares no data set {name!r}; there are {', '.join(system.data) or 'none'}")
    declared = system.data[name]
    if declared.request is not None:
        return _judge_answer(f"{system.name} {name}", declared, ask_service(system, declared), declared.request.body)
    if declared.generate is not None:
        return validate_dataset(made(declared.generate, cache).path, docs=docs)
    path = system.path(_file(declared))
    if declared.rules == "grid":
        return validate_dataset(path, docs=docs)
    spec = spec_of(name, declared)
    baseline = read_baseline(system.path(declared.baseline), spec) if declared.baseline is not None else None
    return validate_table(f"{system.name} {name}", read_any_table(path), spec, baseline=baseline, docs=docs)


def _judge_answer(name: str, declared: DataSet, answer: object, asked: Mapping[str, Any]) -> Report:
    match declared.rules:
        case "forecast" | "estimation" | "dispatch" as model:
            return check_answer(name, model, answer, asked)
        case _:
            return check_document(name, answer, asked)


def made(asked: Generate, cache: Path) -> StoredDataset:
    """The dataset asked for: found again by its parameters and seed where it was made before and is whole.

    Raises:
        GridError: It cannot be made.
    """
    request = _request(asked)
    folder = place_of(asked, cache)
    if not folder.exists():
        return write_dataset(request, folder)
    stored = open_dataset(folder)
    if stored.manifest.request != request or stored.damaged_files():
        raise DatasetError(f"{folder} is not the dataset its name says; remove it, and it is made again.")
    return stored


def place_of(asked: Generate, cache: Path) -> Path:
    """Where the dataset asked for is, once it is made."""
    return cache / _request(asked).dataset_id


def _request(asked: Generate) -> DatasetRequest:
    if asked.size is not None:
        return request_size(asked.size, seed=asked.seed)
    return request_dataset(str(asked.case), asked.steps or 1, seed=asked.seed)


def measure_declared(system: System, name: str) -> TableBaseline:
    """Measure a declared table as it is now, as a baseline for drift.

    Raises:
        TargetError: The target declares no such table.
        BadInputError: It cannot be read.
        BaselineError: It has no rows.
    """
    declared = system.data.get(name)
    if declared is None or declared.file is None or declared.rules != "table":
        raise TargetError(
            f"{system.name} declares no table {name!r} in a file; only those have a baseline of their own"
        )
    return measure_table(read_any_table(system.path(declared.file)), spec_of(name, declared), declared.file.name)


def spec_of(name: str, declared: DataSet) -> TableSpec:
    """What is expected of a declared table.

    Raises:
        TargetError: It asks for an expectation that is not allowed, or names a column that is not declared.
    """
    try:
        return TableSpec(
            columns={column: ColumnSpec(**_column(declared, column)) for column in declared.columns},
            others=declared.others,
            key=declared.key,
            min_rows=declared.min_rows,
            max_rows=declared.max_rows,
            newest=declared.fresh.column if declared.fresh else None,
            max_age=timedelta(hours=declared.fresh.max_age_h) if declared.fresh else None,
            expectations=tuple(
                Expectation(type=asked.type, arguments=asked.arguments, gate=Gate(asked.gate))
                for asked in declared.expectations
            ),
        )
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise TargetError(f"data.{name}: {first['msg']}") from error


def read_baseline(path: Path, spec: TableSpec) -> TableBaseline:
    """A baseline that was measured, or one measured now on a table that is known to be good.

    Raises:
        BadInputError: The table cannot be read.
        BaselineError: The baseline cannot be read, or the table has no rows.
    """
    if path.suffix == ".json":
        return read_table_baseline(path)
    return measure_table(read_any_table(path), spec, path.name)


def ask_service(system: System, declared: DataSet) -> Any:
    """What a service on this machine answers, parsed; an answer that is too large is not read to its end.

    Raises:
        BadInputError: It does not answer, answers with an error, or with what is no JSON.
    """
    request = declared.request
    if request is None:
        raise TargetError("the data set names no service")
    service = system.services[request.service]
    where = f"http://{service.host}:{service.port}{request.path}"
    body = json.dumps(request.body).encode()
    asked = Request(where, data=body, headers={"Content-Type": "application/json"})
    try:
        with urlopen(asked, timeout=request.timeout_s) as answer:  # noqa: S310 - always http
            content = answer.read(MOST_ANSWER_BYTES + 1)
    except HTTPError as error:
        raise BadInputError(f"{where} answers {error.code}: {error.read(300).decode(errors='replace')}") from error
    except (URLError, OSError) as error:
        raise BadInputError(f"{where} does not answer: {error}; start the service {request.service!r} first") from error
    if len(content) > MOST_ANSWER_BYTES:
        raise BadInputError(f"{where} answers with more than {MOST_ANSWER_BYTES} bytes; that much is not read")
    try:
        return json.loads(content)
    except ValueError as error:
        raise BadInputError(f"{where} answers with what is no JSON: {error}") from error


def _file(declared: DataSet) -> Path:
    if declared.file is None:
        raise TargetError("the data set names no file")
    return declared.file


def _column(declared: DataSet, name: str) -> dict[str, Any]:
    given = declared.columns[name].model_dump()
    return given | {"unit": given["unit"] or ""}
