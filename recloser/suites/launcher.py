"""Becomes another program that ends with whoever started it; run as a script, in an interpreter without site-packages.

The kernel keeps the promise over the exec, so not even a `kill -9` of Recloser leaves a test run behind (on Linux).
"""

import ctypes
import os
import signal
import sys

_SET_DEATH_SIGNAL = 1
_CANNOT_BE_STARTED = 127

if __name__ == "__main__":
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, signal.SIGKILL)
    # Where a shell began us in the background, interrupts are ignored by all that we start; a run has to hear them.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if os.getppid() != parent:
        sys.exit("the process that wanted this is gone")
    try:
        os.execvp(command[0], command)  # noqa: S606 - an argument list, no shell
    except OSError as error:
        print(f"{command[0]} cannot be started: {error.strerror}", file=sys.stderr)  # noqa: T201 - there is no logger here
        sys.exit(_CANNOT_BE_STARTED)
