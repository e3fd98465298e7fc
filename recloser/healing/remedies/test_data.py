"""Fresh inputs for one incident: made by the target's own command, staged beside the real ones, removed at the end."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import SecretStr

from recloser.healing.errors import ChangeFailed, NotReady
from recloser.healing.remedies.change import Wording, unified
from recloser.values import AutonomyLevel, JobSpec, Value

if TYPE_CHECKING:
    from recloser.healing.site import Site

_TIMEOUT_S = 600


class StageTestData(Value):
    """Generated inputs below a prefix of their own, and the job pointed at them."""

    kind: Literal["stage_test_data"] = "stage_test_data"
    prefix: str
    variable: str
    command: tuple[str, ...]
    level: AutonomyLevel = AutonomyLevel.REVERSIBLE
    steps: int = 1
    settle_s: float = 0

    def wording(self, site: Site) -> Wording:
        """Where the data comes from and where it goes."""
        del site
        return Wording(
            summary=f"point {self.variable} at freshly generated inputs below {self.prefix}",
            diff=unified("containerOverrides/environment", [], [f"{self.variable} = {self.prefix}"]),
            permanent="Not meant to stay: it is removed when the incident closes.",
            undo=f"aws s3 rm --recursive {self.prefix}",
        )

    def amend(self, spec: JobSpec, site: Site) -> JobSpec:
        """Read the generated inputs."""
        del site
        return spec.model_copy(update={"environment": {**spec.environment, self.variable: SecretStr(self.prefix)}})

    def apply(self, site: Site) -> None:
        """Generate and upload."""
        with tempfile.TemporaryDirectory(prefix="recloser-test-data-") as folder:
            _generate(tuple(word.replace("{dir}", folder) for word in self.command), site)
            files = sorted(path for path in Path(folder).iterdir() if path.is_file())
            if not files:
                raise ChangeFailed(f"the declared test data command {self.command[:2]} made no files")
            for file in files:
                site.account.objects.put(self.prefix + file.name, file)

    def verify(self, site: Site) -> None:
        """Something lies below the prefix."""
        if next(iter(site.account.objects.list(self.prefix)), None) is None:
            raise ChangeFailed(f"nothing was found below {self.prefix} after the upload")

    def revert(self, site: Site) -> None:
        """Remove what was staged."""
        site.account.objects.delete_prefix(self.prefix)


def stage_test_data(site: Site, incident_id: str) -> StageTestData:
    """Plan fresh inputs for an incident; the seed comes from its id, so that the data can be made again.

    Raises:
        NotReady: The target declares no `[test_data]`.
    """
    declared = site.target.test_data
    if declared is None:
        raise NotReady(f"target {site.target.name!r} declares no [test_data]")
    seed = str(int.from_bytes(incident_id.encode()[-4:], "big"))
    words = {"{python}": sys.executable, "{seed}": seed}
    return StageTestData(
        prefix=f"{declared.prefix.rstrip('/')}/{incident_id}/",
        variable=declared.variable,
        command=tuple(_filled(word, words) for word in declared.command),
    )


def _filled(word: str, words: dict[str, str]) -> str:
    for name, value in words.items():
        word = word.replace(name, value)
    return word


def _generate(command: tuple[str, ...], site: Site) -> None:
    try:
        subprocess.run(
            command,
            cwd=site.target.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        said = site.redact(error.stderr.decode(errors="replace").strip()[-500:])
        raise ChangeFailed(f"the declared test data command ended with {error.returncode}: {said}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ChangeFailed(f"the declared test data command {command[0]!r} did not run: {error}") from error
