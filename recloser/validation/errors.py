"""The errors of validation: each message says what failed, what was expected and what to do.

```
ValidationError
├── BadInputError       what was given cannot be read as data at all
├── BaselineError       a baseline cannot be read, or cannot be made
└── UnknownFaultError   the catalogue has no such fault
```

Data that can be read and is wrong is no error: it is a report.
"""

from recloser.errors import RecloserError


class ValidationError(RecloserError):
    """Data cannot be validated."""


class BadInputError(ValidationError):
    """What was given cannot be read as data at all."""


class BaselineError(ValidationError):
    """A baseline cannot be read, or cannot be made."""


class UnknownFaultError(ValidationError):
    """The catalogue has no such fault."""
