"""What can stop a night before it has a verdict."""

from recloser.errors import RecloserError


class NightlyError(RecloserError):
    """A night cannot be begun or continued; what was stored of it is kept."""
