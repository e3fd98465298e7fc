"""Read `recloser.toml`; whatever is wrong with it becomes one message that names file, key and expectation."""

import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from recloser.errors import RecloserError
from recloser.target.models import Target
from recloser.target.system import System

FILE_NAME = "recloser.toml"
Kind = TypeVar("Kind", bound=System)


class TargetError(RecloserError):
    """The target cannot be read as declared; nothing has been done."""


def load_target(where: str | Path) -> Target:
    """Read a target that has a Batch job.

    Args:
        where: The folder that holds `recloser.toml`, or the file itself.

    Raises:
        TargetError: It does not exist, is no TOML, or declares something that is not allowed.
    """
    file, declared = _read(where)
    target = _validated(Target, file, declared)
    _known_good_files_are_readable(target)
    return target


def load_system(where: str | Path) -> System:
    """Read what is declared of services, suites and data; of a target that has a Batch job, that as well.

    Args:
        where: The folder that holds `recloser.toml`, or the file itself.

    Raises:
        TargetError: It does not exist, is no TOML, or declares something that is not allowed.
    """
    file, declared = _read(where)
    return load_target(file) if "job" in declared else _validated(System, file, declared)


def _read(where: str | Path) -> tuple[Path, dict[str, Any]]:
    path = Path(where)
    file = path / FILE_NAME if path.is_dir() else path
    try:
        return file, tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise TargetError(f"unknown target {str(where)!r}: {file} does not exist") from None
    except OSError as error:
        raise TargetError(f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise TargetError(f"{file} is not UTF-8 text (byte {error.start})") from error
    except tomllib.TOMLDecodeError as error:
        raise TargetError(f"{file} is not valid TOML: {error}") from error


def _validated(kind: type[Kind], file: Path, declared: dict[str, Any]) -> Kind:
    try:
        return kind.model_validate(declared | {"folder": file.resolve().parent})
    except ValidationError as error:
        raise TargetError(f"{file} is not a valid target:\n{_problems(error)}") from error


def _problems(error: ValidationError) -> str:
    # The offending input is left out on purpose: it may be a secret.
    return "\n".join(
        f"  {'.'.join(str(part) for part in problem['loc']) or 'file'}: {problem['msg']}"
        for problem in error.errors(include_input=False, include_url=False)
    )


def _known_good_files_are_readable(target: Target) -> None:
    for item in target.inputs:
        if item.known_good is None:
            continue
        file = target.path(item.known_good)
        try:
            with file.open("rb") as stream:
                first = stream.read(1)
        except OSError as error:
            raise TargetError(f"known-good file {file} for {item.uri} cannot be read: {error.strerror}") from error
        if not first:
            raise TargetError(f"known-good file {file} for {item.uri} is empty: restore it from your own records")
