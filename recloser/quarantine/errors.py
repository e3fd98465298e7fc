"""What can be wrong with a quarantine."""

from recloser.errors import RecloserError


class QuarantineError(RecloserError):
    """The quarantine cannot be read or written as asked; the file is as it was."""
