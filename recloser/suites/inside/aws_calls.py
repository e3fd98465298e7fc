"""Counts the AWS calls of this process: botocore is looked over the shoulder where somebody imports it."""

from __future__ import annotations

import functools
import importlib.util
import sys
from collections import Counter
from importlib.abc import MetaPathFinder
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

MODULE = "botocore.client"


class AwsCalls(MetaPathFinder):
    """Waits for botocore's client, and counts what it is asked for."""

    def __init__(self) -> None:
        """Nothing has been called."""
        self._counts: Counter[tuple[str, str]] = Counter()

    def watch(self) -> None:
        """Begin, now or when it is imported."""
        if MODULE in sys.modules:
            self._count_calls(sys.modules[MODULE])
        else:
            sys.meta_path.insert(0, self)

    def find_spec(self, name: str, _path: Sequence[str] | None, _target: ModuleType | None = None) -> ModuleSpec | None:
        """Let others find it, and be told once it has been executed."""
        if name != MODULE:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_and_count(module: ModuleType) -> None:
                execute(module)
                self._count_calls(module)

            spec.loader.exec_module = execute_and_count  # type: ignore[method-assign]
        return spec

    def taken(self) -> list[list[Any]]:
        """Service, operation and count of every call since the last time."""
        if not self._counts:
            return []
        counts, self._counts = self._counts, Counter()
        return [[service, operation, count] for (service, operation), count in sorted(counts.items())]

    def _count_calls(self, module: ModuleType) -> None:
        client = getattr(module, "BaseClient", None)
        call = getattr(client, "_make_api_call", None)
        if client is None or call is None:
            return

        @functools.wraps(call)
        def counted(client: Any, operation: str, *args: Any, **kwargs: Any) -> Any:
            self._counts[client.meta.service_model.service_name, operation] += 1
            return call(client, operation, *args, **kwargs)

        client._make_api_call = counted  # noqa: SLF001 - the one door all calls go through
