"""The errors of the sandbox: each message says what failed and what to do."""

from recloser.errors import RecloserError


class SandboxError(RecloserError):
    """The sandbox cannot do what was asked."""


class SandboxDownError(SandboxError):
    """The sandbox is not running."""


class InstallError(SandboxError):
    """MiniStack could not be installed."""


class MiniStackError(SandboxError):
    """MiniStack did not start or does not answer."""


class PortTakenError(MiniStackError):
    """The chosen port was taken by somebody else in the meantime."""
