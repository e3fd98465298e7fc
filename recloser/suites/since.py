"""Which test files a change can have broken, by what imports what; in doubt, all of them.

Imports are read, never run. What reaches a test in another way (a subprocess, a data file, an import by a name that is
put together) is not seen, so a module that imports by name counts as importing everything, and a changed file that no
test file is seen to reach selects everything. The nightly runs everything anyway.
"""

from __future__ import annotations

import ast
import subprocess
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from recloser.errors import RecloserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_TIMEOUT_S = 60.0
_BY_NAME = (b"import_module", b"__import__")


class UnknownRevisionError(RecloserError):
    """What has changed cannot be told."""


@dataclass(frozen=True)
class Selection:
    """What to run of a change."""

    changed: tuple[str, ...]
    """Relative to the repository."""
    files: tuple[Path, ...] | None
    """Test files, absolute; None means all."""
    why: str
    """In a sentence."""


def changed_since(folder: Path, revision: str) -> Selection:
    """Select the test files that changed since a revision, and those that import what changed.

    Args:
        folder: In a git repository.
        revision: Whatever git understands; uncommitted and new files count as changed.

    Raises:
        UnknownRevisionError: The folder is in no repository, or there is no such revision.
    """
    top = Path(_git(folder, "rev-parse", "--show-toplevel").strip())
    commit = _git(top, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}").strip()
    new = _names(_git(top, "ls-files", "-z", "--others", "--exclude-standard"))
    changed = sorted({*_names(_git(top, "diff", "--name-only", "-z", "--no-renames", commit, "--")), *new})
    known = {*_names(_git(top, "ls-files", "-z")), *new}
    return select(top, sorted(known | set(changed)), changed)


def select(top: Path, known: Iterable[str], changed: Iterable[str]) -> Selection:
    """The same for files that are known to have changed.

    Args:
        top: What the names are relative to.
        known: Every file of the code, deleted ones that changed included.
        changed: Those that changed.
    """
    changed = tuple(changed)
    if not changed:
        return Selection(changed, (), "nothing has changed")
    known = list(known)
    importers = _importers(top, known)
    tests = {name for name in known if _is_test(name)}
    chosen: set[str] = set()
    for name in changed:
        broken = _closure(name, importers) & tests
        if not broken:
            return Selection(changed, None, f"everything, because no test file is seen to import {name}")
        chosen |= broken
    there = sorted(name for name in chosen if (top / name).exists())
    why = f"{len(there)} of {len(tests)} test files import what changed, or changed themselves"
    return Selection(changed, tuple((top / name).resolve() for name in there), why)


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=folder,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnknownRevisionError(f"git cannot be asked what has changed: {error}") from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip()
        raise UnknownRevisionError(
            f"git cannot say what has changed in {folder}: {said or 'there is no such revision'}"
        )
    return done.stdout.decode("utf-8", "surrogateescape")


def _names(listed: str) -> list[str]:
    return [name for name in listed.split("\0") if name]


def _is_test(name: str) -> bool:
    path = PurePosixPath(name)
    return path.suffix == ".py" and (path.stem.startswith("test_") or path.stem.endswith("_test"))


def _closure(start: str, importers: Mapping[str, set[str]]) -> set[str]:
    """Every file that imports a file in the end, itself included."""
    reached, left = {start}, [start]
    while left:
        new = importers.get(left.pop(), set()) - reached
        reached |= new
        left.extend(new)
    return reached


def _importers(top: Path, known: list[str]) -> dict[str, set[str]]:
    """Of each file, those that import it directly; a `conftest.py` is imported by all that lies below it."""
    sources = {name for name in known if name.endswith(".py")}
    by_module = _modules(sources)
    importers: dict[str, set[str]] = defaultdict(set)
    for name in sources:
        modules = _imported_modules(top / name, name)
        found = sources if modules is None else {file for module in modules for file in by_module.get(module, ())}
        conftests = {str(parent / "conftest.py") for parent in PurePosixPath(name).parents} & sources
        for imported in (found | conftests) - {name}:
            importers[imported].add(name)
    return importers


def _modules(sources: set[str]) -> dict[str, set[str]]:
    """Files by every name they may be imported by: any folder that is no package may be on the path."""
    files: dict[str, set[str]] = defaultdict(set)
    for name in sources:
        parts = PurePosixPath(name).with_suffix("").parts
        package = len(parts) - 1
        while package and "/".join([*parts[:package], "__init__.py"]) in sources:
            package -= 1
        module = parts[:-1] if parts[-1] == "__init__" else parts
        for start in range(min(package, len(module) - 1) + 1):
            files[".".join(module[start:])].add(name)
    return files


def _imported_modules(file: Path, name: str) -> set[str] | None:
    """Names of modules a file imports; None where that cannot be told."""
    try:
        source = file.read_bytes()
        tree = ast.parse(source)
    except FileNotFoundError:
        return set()
    except (OSError, SyntaxError, ValueError, RecursionError):
        return None
    if any(word in source for word in _BY_NAME):
        return None
    here = PurePosixPath(name)
    return {module for statement in _statements(tree.body) for module in _of(statement, here)}


def _statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """All statements, those inside others as well; expressions, which import nothing, are not looked into."""
    for statement in body:
        yield statement
        for inner in ("body", "orelse", "finalbody"):
            yield from _statements(getattr(statement, inner, ()))
        for part in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
            yield from _statements(part.body)


def _of(node: ast.stmt, here: PurePosixPath) -> Iterator[str]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield from _with_packages(alias.name)
    elif isinstance(node, ast.ImportFrom):
        package = ".".join(here.parts[: len(here.parts) - node.level]) if node.level else ""
        base = ".".join(filter(None, [package, node.module]))
        yield from _with_packages(base)
        for alias in node.names:
            yield f"{base}.{alias.name}"
    elif isinstance(node, ast.Assign) and any(getattr(to, "id", "") == "pytest_plugins" for to in node.targets):
        for part in ast.walk(node.value):
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                yield from _with_packages(part.value)


def _with_packages(module: str) -> Iterator[str]:
    """A module, and the packages it lies in: they are run before it."""
    parts = module.split(".")
    yield from (".".join(parts[:end]) for end in range(1, len(parts) + 1))
