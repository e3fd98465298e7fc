"""MiniStack in an environment of its own: it pins botocore exactly, which must not freeze the product's."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import sys
from importlib import resources
from pathlib import Path

from recloser.sandbox.errors import InstallError

MINISTACK_VERSION = "1.5.33"
_PIP = ("--quiet", "--disable-pip-version-check", "--no-input", "--require-hashes")


def home() -> Path:
    """The folder of MiniStack's environment, inside the Python environment that runs this."""
    return Path(sys.prefix) / "share" / "recloser" / f"ministack-{MINISTACK_VERSION}"


def interpreter() -> Path:
    """The Python that can run MiniStack."""
    return home() / "bin" / "python"


def is_installed() -> bool:
    """Whether the environment is complete: its marker is written last."""
    return (home() / ".ready").exists() and interpreter().exists()


def install() -> bool:
    """Make MiniStack's environment from the packaged lock, unless it is there.

    Returns:
        Whether something was installed.

    Raises:
        InstallError: The environment could not be made; the message ends with what pip said.
    """
    if is_installed():
        return False
    home().parent.mkdir(parents=True, exist_ok=True)
    with (home().parent / ".install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several test workers may come at once
        if is_installed():
            return False
        _make()
    return True


def _make() -> None:
    shutil.rmtree(home(), ignore_errors=True)
    with resources.as_file(resources.files("recloser.sandbox") / "ministack.lock") as requirements:
        _run(sys.executable, "-m", "venv", str(home()))
        _run(str(interpreter()), "-m", "pip", "install", *_PIP, "-r", str(requirements))
    (home() / ".ready").touch()


def _run(*command: str) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True, errors="replace")
    if done.returncode != 0:
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-5:])
        message = (
            f"MiniStack {MINISTACK_VERSION} is not installed and installing it failed; it needs the package index "
            f"once. Go online or configure pip's index, then run `recloser sandbox install`.\n{said}"
        )
        raise InstallError(message)
