"""Resource specifiers: ``proj/*:env/production:segment/*``, with tags after a ``;``.

A specifier names resources of one kind: ``proj/*`` means projects, not what is in them. As
in LaunchDarkly's, ``*`` stands for any characters and tags after the last part must all be
the resource's. Not documented, chosen here: ``*`` alone means everything; tags of projects
and environments around a resource, and ``{…}`` after a part, are refused. Source: LaunchDarkly's
pages on role resources.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Self

from api.errors import InvalidRequest
from worker.store import Scope

#: Characters of one specifier.
LONGEST: Final = 1_000

_EVERYTHING: Final = "*"
_SEGMENT_PARTS: Final = 3


@dataclass(frozen=True, slots=True)
class Specifier:
    """A checked specifier."""

    parts: tuple[tuple[str, str], ...]
    """Kind and glob of each part; empty for everything."""
    tags: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, text: str, where: str) -> Self:
        """Read a specifier.

        Args:
            text: as the caller sent it.
            where: the field, for the message.

        Raises:
            InvalidRequest: it is none; says which part.
        """
        if len(text) > LONGEST:
            raise InvalidRequest(f"{where}: at most {LONGEST:,} characters")
        resource, _, tags = text.partition(";")
        if resource.strip() == _EVERYTHING:
            return cls((), _tags(tags, where))
        parts = []
        for position, part in enumerate(resource.split(":"), 1):
            kind, slash, glob = part.strip().partition("/")
            if not (kind and slash and glob) or "{" in part:
                message = f"{where}: part {position} is not of the form kind/name"
                raise InvalidRequest(message)
            parts.append((kind, glob))
        return cls(tuple(parts), _tags(tags, where))

    def matches(self, resource: str, tags: Collection[str]) -> bool:
        """Whether it names this resource, which has these tags."""
        if not self.tags.issubset(tags):
            return False
        if not self.parts:
            return True
        names = resource.split(":")
        return len(names) == len(self.parts) and all(
            _matches(kind, glob, name) for (kind, glob), name in zip(self.parts, names, strict=True)
        )

    def reaches_into(self, scope: Scope) -> bool:
        """Whether it may name anything that is inside this environment."""
        if not self.parts:
            return True
        around = (f"proj/{scope.project}", f"env/{scope.environment}")
        return len(self.parts) >= _SEGMENT_PARTS and all(
            _matches(kind, glob, name)
            for (kind, glob), name in zip(self.parts, around, strict=False)
        )


def glob_matches(glob: str, text: str) -> bool:
    """Whether the text is of this form, ``*`` being any characters.

    Cost: at most the product of the two lengths, and linear for one ``*``.
    """
    first, *middle = glob.split("*")
    if not middle:
        return glob == text
    last = middle.pop()
    if not text.startswith(first) or not text.endswith(last):
        return False
    position, end = len(first), len(text) - len(last)
    for piece in middle:
        position = text.find(piece, position, end)
        if position < 0:
            return False
        position += len(piece)
    return position <= end


def _matches(kind: str, glob: str, name: str) -> bool:
    own_kind, _, own_name = name.partition("/")
    return kind == own_kind and glob_matches(glob, own_name)


def _tags(text: str, where: str) -> frozenset[str]:
    if ":" in text or "{" in text:
        raise InvalidRequest(f"{where}: only tags can follow the first ;, apart by commas")
    return frozenset(tag.strip() for tag in text.split(",") if tag.strip())
