"""The hash by which the inputs of two datasets are compared."""

from __future__ import annotations

import hashlib
from contextlib import ExitStack
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from recloser.grid.columns import Ints
    from recloser.grid.loads import Injections

_SPOOLED_BYTES = 2**24
_READ_BYTES = 2**20


class InputDigest:
    """The hash of a dataset's inputs, taken block by block.

    It is sha256 over three T x N little-endian int64 arrays: pd in kW, qd in kvar, pg in kW with 0 at the slack. The
    second and third wait in temporary files, so that memory does not grow with the number of steps.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """Start with no steps; temporary files, which have no names, lie in `folder` or the system's own."""
        self._digest = hashlib.sha256()
        self._files = ExitStack()
        where = None if folder is None else str(folder)
        spooled = (SpooledTemporaryFile(_SPOOLED_BYTES, dir=where) for _ in range(2))  # noqa: SIM115 - the stack does
        self._waiting = [self._files.enter_context(file) for file in spooled]

    def __enter__(self) -> Self:
        """Take in steps."""
        return self

    def __exit__(self, *failure: object) -> None:
        """Drop the temporary files."""
        self._files.close()

    def update(self, injections: Injections) -> None:
        """Take in the steps that follow."""
        self._digest.update(_bytes_of(injections.pd_kw))
        for file, values in zip(self._waiting, (injections.qd_kvar, injections.pg_kw), strict=True):
            file.write(_bytes_of(values))

    def hexdigest(self) -> str:
        """The hash of all steps; nothing can be taken in after it."""
        for file in self._waiting:
            file.seek(0)
            while content := file.read(_READ_BYTES):
                self._digest.update(content)
        return self._digest.hexdigest()


def inputs_sha256(blocks: Iterable[Injections]) -> str:
    """Hash the inputs of a dataset; `InputDigest` says over which bytes."""
    with InputDigest() as digest:
        for block in blocks:
            digest.update(block)
        return digest.hexdigest()


def _bytes_of(values: Ints) -> bytes:
    return values.astype("<i8").tobytes()
