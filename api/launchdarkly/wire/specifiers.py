"""Resource specifiers: ``proj/*:env/production:segment/*``, with tags after a ``;``.

A specifier names resources of one kind: ``proj/*`` means projects, not what is in them. As
in LaunchDarkly's, ``*`` stands for any characters and tags after the last part must all be
the resource's. Not documented, chosen here: ``*`` alone means everything; tags of projects
and environments around a resource, and ``{…}`` after a part, are refused. Source: LaunchDarkly's
pages on role resources.

A grant of a token's scope is written the same way, but only for segments and with ``?`` for any
one character: tags, role attributes and other kinds of resources are refused there, because they
would be ignored and the token would allow more than its owner thinks.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Self

from api.access.globs import compile_glob
from api.access.scope import GLOB
from api.errors import InvalidRequest
from worker.store import EnvironmentRef, Grant

#: The longest specifier, in characters.
LONGEST: Final = 1_000

_SEGMENT_KINDS: Final = ("proj", "env", "segment")
_EVERYTHING: Final = "*"
#: What :func:`parse_grant` accepts.
GRANT_PATTERN: Final = f"^{':'.join(f'{kind}/{GLOB.pattern}' for kind in _SEGMENT_KINDS)}$"
_EXPECTED_GRANT: Final = (
    "use proj/GLOB:env/GLOB:segment/GLOB, where * is any text and ? any character"
)


@dataclass(frozen=True, slots=True)
class Specifier:
    """A checked specifier."""

    parts: tuple[tuple[str, re.Pattern[str]], ...]
    """Kind and pattern of each part; empty for everything."""
    tags: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, text: str, where: str) -> Self:
        """Read a specifier.

        Args:
            text: as the caller sent it.
            where: the field, for the message.

        Raises:
            InvalidRequest: it is not a specifier; says which part is wrong.
        """
        if len(text) > LONGEST:
            raise InvalidRequest(f"{where}: at most {LONGEST:,} characters")
        resource, _, tags = text.partition(";")
        if resource.strip() == _EVERYTHING:
            return cls((), _parse_tags(tags, where))
        parts = []
        for position, part in enumerate(resource.split(":"), 1):
            kind, _, glob = part.strip().partition("/")
            if not (kind and glob) or "{" in part:
                message = f"{where}: part {position} is not of the form kind/name"
                raise InvalidRequest(message)
            parts.append((kind, compile_glob(glob, question_mark=False)))
        return cls(tuple(parts), _parse_tags(tags, where))

    def matches(self, resource: str, tags: Collection[str]) -> bool:
        """Whether it names a resource that has these tags."""
        if not self.tags.issubset(tags):
            return False
        if not self.parts:
            return True
        names = _split(resource)
        return len(names) == len(self.parts) and self._matches_each(names)

    def reaches_into(self, env: EnvironmentRef) -> bool:
        """Whether it may name anything inside this environment."""
        if not self.parts:
            return True
        if env.is_of_project and [kind for kind, _ in self.parts] == ["proj", "segment"]:
            return self._matches_each([("proj", env.project)])
        around = [("proj", env.project), ("env", env.environment)]
        return len(self.parts) >= len(_SEGMENT_KINDS) and self._matches_each(around)

    def _matches_each(self, names: list[tuple[str, str]]) -> bool:
        return all(
            kind == own_kind and pattern.match(name) is not None
            for (kind, pattern), (own_kind, name) in zip(self.parts, names, strict=False)
        )


def parse_grant(text: str) -> Grant:
    """Read one specifier of a token's scope.

    Raises:
        ValueError: it is not one about segments; says what to write.
    """
    parts = _split(text)
    globs = [glob for _, glob in parts]
    if tuple(kind for kind, _ in parts) != _SEGMENT_KINDS or not all(map(GLOB.fullmatch, globs)):
        raise ValueError(_EXPECTED_GRANT)
    return Grant(*globs)


def format_grant(grant: Grant) -> str:
    """The specifier that :func:`parse_grant` reads."""
    return f"proj/{grant.project}:env/{grant.environment}:segment/{grant.segment}"


def _split(text: str) -> list[tuple[str, str]]:
    """Kind and name of each part of a resource."""
    pairs = (part.partition("/") for part in text.split(":"))
    return [(kind, name) for kind, _, name in pairs]


def _parse_tags(text: str, where: str) -> frozenset[str]:
    if ":" in text or "{" in text:
        raise InvalidRequest(f"{where}: only tags can follow the first ;, apart by commas")
    return frozenset(tag.strip() for tag in text.split(",") if tag.strip())
