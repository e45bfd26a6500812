"""LaunchDarkly's Python client, of which only what a test uses is loaded.

Its packages load each of some thousand classes, most of them for other products, and every process
that collects tests pays for that. The modules that are loaded are the client's own, unmodified.
"""

import ast
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import InspectLoader, Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any, Final

_PACKAGES: Final = ("launchdarkly_api", "launchdarkly_api.api", "launchdarkly_api.models")


def load_client_lazily() -> None:
    """Load what the client's packages name when it is first asked for; call before importing it."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in _PACKAGES:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and isinstance(spec.loader, InspectLoader):
            spec.loader = _PackageLoader(spec.loader)
        return spec


class _PackageLoader(Loader):
    def __init__(self, loader: InspectLoader) -> None:
        self._loader = loader

    def exec_module(self, module: ModuleType) -> None:
        source = self._loader.get_source(module.__name__)
        assert source is not None
        homes = _homes(source)

        def load(name: str) -> Any:
            if name not in homes:
                raise AttributeError(name)
            return getattr(import_module(homes[name]), name)

        module.__dict__["__getattr__"] = load


def _homes(source: str) -> dict[str, str]:
    """The module of each name that a package imports."""
    return {
        alias.name: node.module
        for node in ast.parse(source).body
        if isinstance(node, ast.ImportFrom) and node.module is not None
        for alias in node.names
    }
