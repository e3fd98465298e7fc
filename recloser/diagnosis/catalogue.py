"""All signatures in order of precedence: those of `signatures/`, and files of a target's own."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from recloser.diagnosis.signature import Signature
from recloser.errors import RecloserError

if TYPE_CHECKING:
    from pathlib import Path


class SignatureError(RecloserError):
    """A file of signatures cannot be used; the message names the file, the signature and what is wrong."""


@cache
def catalogue() -> tuple[Signature, ...]:
    """The signatures that come with Recloser, in order of precedence."""
    folder = resources.files("recloser.diagnosis").joinpath("signatures")
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)
    return tuple(signature for file in files for signature in _read(file.name, file.read_text(encoding="utf-8")))


def read_signatures(file: Path) -> tuple[Signature, ...]:
    """Signatures of a target's own file.

    Raises:
        SignatureError: The file cannot be read, is no TOML, or a signature in it is not valid.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise SignatureError(f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SignatureError(f"{file} is not UTF-8 text (byte {error.start})") from error
    return _read(str(file), text)


def _read(name: str, text: str) -> tuple[Signature, ...]:
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SignatureError(f"{name} is not valid TOML: {error}") from error
    defaults, entries = table.pop("defaults", {}), table.pop("signature", [])
    if table or not isinstance(defaults, dict) or not isinstance(entries, list) or not entries:
        raise SignatureError(f"{name}: expected [[signature]] tables and at most one [defaults] table")
    return tuple(_signature(name, number, defaults, entry) for number, entry in enumerate(entries, 1))


def _signature(name: str, number: int, defaults: dict[str, Any], entry: object) -> Signature:
    if not isinstance(entry, dict):
        raise SignatureError(f"{name}: signature {number} is no table")
    try:
        return Signature.model_validate(defaults | entry)
    except ValidationError as error:
        problems = "\n".join(
            f"  {'.'.join(map(str, problem['loc'])) or 'signature'}: {problem['msg']}"
            for problem in error.errors(include_url=False, include_input=False)
        )
        raise SignatureError(f"{name}: signature {number} ({entry.get('id', 'without id')}):\n{problems}") from error
