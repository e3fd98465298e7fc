"""A missing or empty input: upload the known-good file, where its owner gave leave."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from recloser.healing.errors import ChangeFailed, Refused
from recloser.healing.remedies.change import Case, Wording, unified
from recloser.values import AutonomyLevel, JobSpec, Value

if TYPE_CHECKING:
    from recloser.healing.site import Site


class RestoredFile(Value):
    """One object and the file it is restored from."""

    uri: str
    known_good: Path
    before: Literal["absent", "empty"]


class RestoreInput(Value):
    """Known-good files uploaded where the declared inputs were missing or empty."""

    kind: Literal["restore_input"] = "restore_input"
    files: tuple[RestoredFile, ...] = Field(min_length=1)
    level: AutonomyLevel = AutonomyLevel.REVERSIBLE
    steps: int = 1
    settle_s: float = 0

    def wording(self, site: Site) -> Wording:
        """Each object before and after."""
        before = [f"{item.uri}: {item.before}" for item in self.files]
        after = [f"{item.uri}: {self._size(site, item)} bytes from {item.known_good}" for item in self.files]
        return Wording(
            summary=f"upload the known-good {', '.join(item.uri.rsplit('/', 1)[-1] for item in self.files)}",
            diff=unified("s3", before, after),
            permanent="It is permanent: the objects are in place. Find out who removed or emptied them.",
            undo="; ".join(
                f"aws s3 rm {item.uri}" if item.before == "absent" else f"put a zero-byte object at {item.uri}"
                for item in self.files
            ),
        )

    def amend(self, spec: JobSpec, site: Site) -> JobSpec:
        """The submission stays as it is."""
        del site
        return spec

    def apply(self, site: Site) -> None:
        """Upload every file."""
        for item in self.files:
            site.account.objects.put(item.uri, site.target.path(item.known_good))

    def verify(self, site: Site) -> None:
        """Every object has its file's size."""
        for item in self.files:
            found = site.account.objects.head(item.uri)
            expected = self._size(site, item)
            if found is None or found.size_bytes != expected:
                raise ChangeFailed(f"{item.uri} should have {expected} bytes after the upload and has not")

    def revert(self, site: Site) -> None:
        """Back to absent or empty."""
        for item in self.files:
            if item.before == "absent":
                site.account.objects.delete(item.uri)
            else:
                site.account.objects.put(item.uri, b"")

    @staticmethod
    def _size(site: Site, item: RestoredFile) -> int:
        return site.target.path(item.known_good).stat().st_size


def restore_input(case: Case) -> RestoreInput:
    """Plan to restore the inputs that a probe found missing or empty."""
    site = case.site
    damaged = case.diagnosis.facts.get("input", ())
    if not damaged:
        raise Refused("every declared input is in place; the job reads something the target does not declare")
    files = []
    for item in site.target.inputs:
        if item.uri not in damaged:
            continue
        if not item.restore or item.known_good is None:
            raise Refused(f"the target gives no leave to restore {item.uri}")
        found = site.account.objects.head(item.uri)
        before: Literal["absent", "empty"] = "absent" if found is None else "empty"
        files.append(RestoredFile(uri=item.uri, known_good=item.known_good, before=before))
    if not files:
        raise Refused(f"{', '.join(damaged)} is missing, and the target declares no such input to restore it from")
    return RestoreInput(files=tuple(files))
