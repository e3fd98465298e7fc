"""A target's faults as its `faults.toml` declares them."""

from __future__ import annotations

import difflib
import tomllib
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Discriminator, Field, TypeAdapter, ValidationError

from recloser.errors import RecloserError
from recloser.values import Value

if TYPE_CHECKING:
    from recloser.target import Target

FILE_NAME = "faults.toml"


class FaultError(RecloserError):
    """The fault is unknown, badly declared, or cannot be injected."""


class Expectation(StrEnum):
    """What the heal loop should make of a fault."""

    HEALED = "healed"
    LOCKED_OUT = "locked-out"


class _Declared(Value):
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    about: str
    expect: Expectation


class DropEnvironment(_Declared):
    """The job definition no longer sets a variable."""

    kind: Literal["drop_environment"]
    variable: str


class SetEnvironment(_Declared):
    """The job definition sets a variable to something else."""

    kind: Literal["set_environment"]
    variable: str
    value: str


class SetMemory(_Declared):
    """The job definition asks for another amount of memory."""

    kind: Literal["set_memory"]
    memory_mib: int = Field(ge=4)


class ReplaceCommand(_Declared):
    """The job definition runs something else."""

    kind: Literal["replace_command"]
    command: tuple[str, ...] = Field(min_length=1)


class SetImageTag(_Declared):
    """The job definition names another tag of the same repository."""

    kind: Literal["set_image_tag"]
    tag: str


class SetLogGroup(_Declared):
    """The job definition logs to a group that does not exist."""

    kind: Literal["set_log_group"]
    group: str


class StaticKeys(_Declared):
    """The job definition sets access keys that no account knows, and that shadow the job role."""

    kind: Literal["static_keys"]
    key_id: str


class Distrust(_Declared):
    """The job role no longer lets ECS tasks assume it."""

    kind: Literal["distrust"]
    service: str
    """The only service that its trust policy names then."""


class Revoke(_Declared):
    """A statement of the job role's policy is gone."""

    kind: Literal["revoke"]
    sid: str


class Deny(_Declared):
    """A bucket policy denies the job role an action, whatever its own policies say."""

    kind: Literal["deny"]
    action: str
    resource: str


class DeleteInput(_Declared):
    """An input object is gone."""

    kind: Literal["delete_input"]
    uri: str


class EmptyInput(_Declared):
    """An input object has no bytes."""

    kind: Literal["empty_input"]
    uri: str


class RewriteInput(_Declared):
    """An input object is wrong: the known-good file with one text replaced by another."""

    kind: Literal["rewrite_input"]
    uri: str
    find: str
    replace: str


class ForgetImage(_Declared):
    """The registry lists a tag whose image cannot be pulled."""

    kind: Literal["forget_image"]
    tag: str


class DefectiveImage(_Declared):
    """A release with a bug: the image's sources with one text replaced by another."""

    kind: Literal["defective_image"]
    tag: str
    file: str
    find: str
    replace: str


class HostLoss(_Declared):
    """The next attempts lose their host."""

    kind: Literal["host_loss"]
    count: int = Field(ge=1, le=100)


class NoCapacity(_Declared):
    """No instance is to be had in the sandbox's own region."""

    kind: Literal["no_capacity"]


Fault = (
    DropEnvironment
    | SetEnvironment
    | SetMemory
    | ReplaceCommand
    | SetImageTag
    | SetLogGroup
    | StaticKeys
    | Distrust
    | Revoke
    | Deny
    | DeleteInput
    | EmptyInput
    | RewriteInput
    | ForgetImage
    | DefectiveImage
    | HostLoss
    | NoCapacity
)
_ADAPTER: TypeAdapter[tuple[Fault, ...]] = TypeAdapter(tuple[Annotated[Fault, Discriminator("kind")], ...])


def load_faults(target: Target) -> tuple[Fault, ...]:
    """The faults declared beside a target's `recloser.toml`.

    Raises:
        FaultError: There is no such file, or it declares something unknown.
    """
    file = target.folder / FILE_NAME
    try:
        declared = tomllib.loads(file.read_text(encoding="utf-8"))
        return _ADAPTER.validate_python(declared.get("faults", []))
    except OSError as error:
        raise FaultError(f"target {target.name!r} declares no faults: {file}: {error.strerror}") from error
    except tomllib.TOMLDecodeError as error:
        raise FaultError(f"{file} is not valid TOML: {error}") from error
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise FaultError(f"{file}: faults.{where}: {problem['msg']}") from error


def find_fault(target: Target, name: str) -> Fault:
    """One declared fault by name.

    Raises:
        FaultError: There is none; the message suggests the nearest.
    """
    faults = {fault.name: fault for fault in load_faults(target)}
    if name in faults:
        return faults[name]
    near = difflib.get_close_matches(name, faults, n=1)
    hint = f"did you mean {near[0]!r}?" if near else "see `recloser faults list`"
    raise FaultError(f"target {target.name!r} declares no fault {name!r}; {hint}")
