"""The service stands on its own: what it imports is what its pyproject.toml asks for."""

import ast
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

EXAMPLE = Path(__file__).parents[2]
MODULES = sorted((EXAMPLE / "gridmodel").rglob("*.py"))


def imported(file):
    """Top-level names of all modules a file imports."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").split(".")[0]


def test_it_imports_what_it_declares_and_nothing_else():
    """The standard library, itself, and its declared dependencies with what they bring (werkzeug)."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = project["dependencies"] + project["optional-dependencies"]["history"]
    declared = {name.split(">")[0].split("[")[0] for name in asked} | {"werkzeug"}
    foreign = {name for file in MODULES for name in imported(file)} - sys.stdlib_module_names - {"gridmodel"}
    distributions = packages_distributions()
    assert {distributions[name][0].lower() for name in foreign} == declared
