"""The daemon seen from outside: how it is started and asked."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recloser.sandbox import ports
from recloser.sandbox.errors import SandboxError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recloser.sandbox.state import Record, StateDir

_REQUEST_S = 300.0


def spawn(state: StateDir, options: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start the daemon in a session of its own."""
    command = [sys.executable, "-m", "recloser.sandbox", "serve", "--state-dir", str(state.root), *options]
    with state.log.open("wb") as log:
        return subprocess.Popen(
            command,
            env=_clean_environment(),
            cwd=state.root,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def ask(state: StateDir, record: Record, method: str, route: str, body: str | None = None) -> dict[str, Any]:
    """Send a request to the daemon's own routes.

    Raises:
        SandboxError: It does not answer, or refuses.
    """
    connection = http.client.HTTPConnection(ports.LOOPBACK, record.batch_port, timeout=_REQUEST_S)
    try:
        connection.request(method, f"/_recloser/{route}", body, {"X-Recloser-Token": state.token.read_text()})
        response = connection.getresponse()
        answer: dict[str, Any] = json.loads(response.read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        message = f"the sandbox's daemon does not answer: {error}; see {state.log}, or `recloser sandbox down`"
        raise SandboxError(message) from error
    finally:
        connection.close()
    if response.status != http.HTTPStatus.OK:
        raise SandboxError(str(answer.get("message", answer)))
    return answer


def _clean_environment() -> dict[str, str]:
    """Ours without whatever would change how boto3 finds MiniStack."""
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(("AWS_", "BOTO"))}
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        kept.pop(name, None)
        kept.pop(name.lower(), None)
    # the daemon must find this very package, installed or not
    path = os.pathsep.join(filter(None, [str(Path(__file__).parents[2]), kept.get("PYTHONPATH")]))
    return {
        **kept,
        "PYTHONPATH": path,
        "PYTHONSAFEPATH": "1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
