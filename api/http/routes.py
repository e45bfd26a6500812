"""Which route a path belongs to, for those that must know before the framework does."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from starlette.routing import BaseRoute, Route

#: The name of every path that no route has.
UNKNOWN: Final = "none"


@dataclass(frozen=True, slots=True)
class _Pattern:
    template: str
    parts: tuple[str, ...]
    methods: frozenset[str]

    def fits(self, parts: list[str]) -> bool:
        pairs = zip(self.parts, parts, strict=True)
        return all(mine == theirs or (mine[:1] == "{" and theirs) for mine, theirs in pairs)


class RouteTable:
    """All routes by the number of their parts. Cost of a question: a few microseconds."""

    def __init__(self) -> None:
        self._by_length: dict[int, list[_Pattern]] = {}

    def add(self, routes: Iterable[BaseRoute]) -> None:
        """Know these routes, too; what has no methods is left out."""
        for route in routes:
            if isinstance(route, Route):
                parts = tuple(route.path.split("/"))
                pattern = _Pattern(route.path, parts, frozenset(route.methods or ()))
                self._by_length.setdefault(len(parts), []).append(pattern)

    def name_of(self, method: str, path: str) -> str:
        """The method and the route's template; one name for all that is unknown.

        Args:
            method: the HTTP method.
            path: decoded.
        """
        for pattern in self._fitting(path):
            if method in pattern.methods:
                return f"{method} {pattern.template}"
        return UNKNOWN

    def methods_of(self, path: str) -> list[str]:
        """All methods that the path takes, sorted; empty if no route has it."""
        return sorted({method for pattern in self._fitting(path) for method in pattern.methods})

    def _fitting(self, path: str) -> list[_Pattern]:
        parts = path.split("/")
        return [one for one in self._by_length.get(len(parts), ()) if one.fits(parts)]
