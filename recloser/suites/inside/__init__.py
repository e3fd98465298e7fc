"""What runs inside the interpreter of the code under test.

This folder is put on that interpreter's path, beside a module `recloser_inside` that imports it and is given to pytest
by `-p`. It knows the standard library and pytest (7 or newer) and, where they are there, xdist, coverage and botocore;
nothing of Recloser is installed there. It decides nothing: it runs what it is told to, and writes down what happens.
"""

from __future__ import annotations

from .plugin import (
    pytest_cmdline_main,
    pytest_configure,
    pytest_sessionstart,
    pytest_unconfigure,
)

__all__ = ["pytest_cmdline_main", "pytest_configure", "pytest_sessionstart", "pytest_unconfigure"]
