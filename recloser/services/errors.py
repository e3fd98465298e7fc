"""What keeps a service from running; told to nobody but the results of the run."""

from recloser.errors import RecloserError


class ServicesError(RecloserError):
    """The services of a target cannot be run at all."""


class NotStartedError(ServicesError):
    """A service could not be started or asked: nothing is known of it."""


class GivenUpError(ServicesError):
    """A service was started and did not do what it should."""
