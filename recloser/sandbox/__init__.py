"""An AWS on this machine: MiniStack as a child process and a Batch endpoint whose jobs are real processes.

For people, tests and the command line. Product code never imports it: endpoint variables are all that tells the
sandbox from AWS. IAM is enforced here for fidelity; it is no security boundary.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from recloser.sandbox.environment import Identity
    from recloser.sandbox.errors import SandboxDownError, SandboxError
    from recloser.sandbox.images import BuiltImage
    from recloser.sandbox.status import Status
    from recloser.sandbox.supervisor import Sandbox

__all__ = ["BuiltImage", "Identity", "Sandbox", "SandboxDownError", "SandboxError", "Status"]

_HOME = {
    "BuiltImage": "images",
    "Identity": "environment",
    "Sandbox": "supervisor",
    "SandboxDownError": "errors",
    "SandboxError": "errors",
    "Status": "status",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for: the daemon and the command line start faster."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415

    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
