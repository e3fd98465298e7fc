"""Builds of images by a CodeBuild project: start one, wait for its end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from recloser.aws.errors import NotFound
from recloser.aws.translation import sensible, translated

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_POLL_S: Final = 10.0
_SUCCEEDED: Final = "SUCCEEDED"
_RUNNING: Final = "IN_PROGRESS"


class BuildsGateway:
    """Calls to CodeBuild.

    Args:
        client: Makes the client, called only when a build is asked for.
        poll_s: How long to wait between two looks at a running build.
    """

    def __init__(self, client: Callable[[], Any], *, poll_s: float = _POLL_S) -> None:
        self._client = client
        self._poll_s = poll_s

    def run(self, project: str, *, variables: Mapping[str, str], token: str, timeout_s: float) -> str | None:
        """Build, and wait until the build has ended.

        Args:
            project: Name of the CodeBuild project.
            variables: Environment variables of this build.
            token: Starting twice with one token within five minutes starts one build.
            timeout_s: How long to wait at most; a build that takes longer is left to itself.

        Returns:
            None if it succeeded, else how it ended, with the link to its log.

        Raises:
            NotFound: CodeBuild does not know the build it has started.
        """
        given = [{"name": name, "value": value, "type": "PLAINTEXT"} for name, value in variables.items()]
        with translated("codebuild", "StartBuild"):
            answer = self._client().start_build(
                projectName=project, environmentVariablesOverride=given, idempotencyToken=token
            )
        with sensible("codebuild", "StartBuild"):
            build_id = str(answer["build"]["id"])
        deadline = time.monotonic() + timeout_s
        while (status := self._status(build_id))[0] == _RUNNING:
            if time.monotonic() > deadline:
                return f"build {build_id} still runs after {timeout_s:.0f} s"
            time.sleep(self._poll_s)
        return None if status[0] == _SUCCEEDED else f"build {build_id} ended {status[0]}; its log: {status[1]}"

    def _status(self, build_id: str) -> tuple[str, str]:
        with translated("codebuild", "BatchGetBuilds"):
            found = self._client().batch_get_builds(ids=[build_id]).get("builds", [])
        if not found:
            raise NotFound(f"CodeBuild does not know build {build_id}", service="codebuild", operation="BatchGetBuilds")
        with sensible("codebuild", "BatchGetBuilds"):
            return str(found[0]["buildStatus"]), str(found[0].get("logs", {}).get("deepLink", "none"))
