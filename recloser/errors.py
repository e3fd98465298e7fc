"""The root of every error Recloser raises on purpose.

Each room draws its own small tree from it. A message says what failed, what was expected and what to do;
the command line prints it as it is and exits non-zero.
"""


class RecloserError(Exception):
    """Something failed in a way a person can act on; the message says how."""
