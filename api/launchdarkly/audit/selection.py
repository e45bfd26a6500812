"""Which entries of the audit log a request selects."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import Field

from api.access.globs import compile_glob
from api.bodies.models import StrictBody
from api.errors import InvalidRequest
from api.launchdarkly.wire.specifiers import LONGEST, Specifier
from worker.store import AuditEntry, EnvironmentRef

#: Specifiers and actions in all statements of a request; each is tried on each entry.
MOST_PATTERNS: Final = 50

Patterns = Annotated[
    list[Annotated[str, Field(max_length=LONGEST)]] | None, Field(max_length=MOST_PATTERNS)
]
#: For the document; :meth:`Specifier.parse` says where one is wrong.
_SPECIFIER: Final = r"^(\*|[a-z-]+/[^\s:;{}]+(:[a-z-]+/[^\s:;{}]+)*)(;[^:{}]*)?$"
Specifiers = Annotated[
    list[Annotated[str, Field(max_length=LONGEST, json_schema_extra={"pattern": _SPECIFIER})]]
    | None,
    Field(max_length=MOST_PATTERNS),
]


class StatementBody(StrictBody):
    """One statement of a policy: which actions on which resources it selects or leaves out."""

    effect: Literal["allow", "deny"]
    resources: Specifiers = None
    not_resources: Specifiers = None
    actions: Patterns = None
    not_actions: Patterns = None


@dataclass(frozen=True, slots=True)
class Statement:
    """A checked statement; without resources or actions it applies to all of them."""

    allows: bool
    resources: tuple[Specifier, ...] = ()
    not_resources: tuple[Specifier, ...] = ()
    actions: tuple[re.Pattern[str], ...] = ()
    not_actions: tuple[re.Pattern[str], ...] = ()

    def matches(self, entry: AuditEntry, action: str) -> bool:
        """Whether it applies to this action of the entry."""
        return self._about_action(action) and self._about_resource(entry)

    def reaches_into(self, env: EnvironmentRef) -> bool:
        """Whether it may apply to anything inside this environment."""
        return not self.resources or any(
            specifier.reaches_into(env) for specifier in self.resources
        )

    def _about_action(self, action: str) -> bool:
        if self.not_actions:
            return not any(pattern.match(action) for pattern in self.not_actions)
        return not self.actions or any(pattern.match(action) for pattern in self.actions)

    def _about_resource(self, entry: AuditEntry) -> bool:
        resource, tags = entry.change.resource, _tags(entry)
        if self.not_resources:
            return not any(specifier.matches(resource, tags) for specifier in self.not_resources)
        return not self.resources or any(
            specifier.matches(resource, tags) for specifier in self.resources
        )


@dataclass(frozen=True, slots=True)
class Selection:
    """The conditions that a selected entry meets."""

    statements: tuple[Statement, ...] = ()
    """An allowing one must match, and no denying one. Without statements all entries match."""
    text: str = ""
    """Part of the resource's name or specifier, of the sentence or of the comment, in any case."""
    tokens: frozenset[str] = frozenset()
    """Ids of the access tokens that may have made it; empty for any."""
    members: frozenset[str] = frozenset()
    """Ids of the members who may have made it; bigseg has no members, so no entry matches."""

    def selects(self, entry: AuditEntry) -> bool:
        """Whether the entry is selected."""
        if self.members or (self.tokens and entry.change.token_id not in self.tokens):
            return False
        return self._has_text(entry) and self._is_allowed(entry)

    def reaches_into(self, env: EnvironmentRef) -> bool:
        """Whether an entry of this environment's log may be selected."""
        return not self.statements or any(
            statement.allows and statement.reaches_into(env) for statement in self.statements
        )

    def _has_text(self, entry: AuditEntry) -> bool:
        if not self.text:
            return True
        change = entry.change
        sentence = f"{change.actor} {change.verb} {change.name}"
        wanted = self.text.casefold()
        return any(
            wanted in text.casefold() for text in (sentence, change.resource, change.comment or "")
        )

    def _is_allowed(self, entry: AuditEntry) -> bool:
        if not self.statements:
            return True
        return any(self._allows(entry, action) for action in entry.change.actions)

    def _allows(self, entry: AuditEntry, action: str) -> bool:
        matching = [statement for statement in self.statements if statement.matches(entry, action)]
        return {statement.allows for statement in matching} == {True}


def parse_spec(text: str) -> tuple[Statement, ...]:
    """Read a ``spec`` parameter as statements; empty for a blank specifier.

    Raises:
        InvalidRequest: it is not a specifier.
    """
    if not text.strip():
        return ()
    return (Statement(allows=True, resources=(Specifier.parse(text, "spec"),)),)


def check_statements(bodies: Sequence[StatementBody]) -> tuple[Statement, ...]:
    """Check the statements of a request's body.

    Raises:
        InvalidRequest: one is wrong, or there are too many; says where.
    """
    if sum(len(patterns) for body in bodies for patterns in _pattern_lists(body)) > MOST_PATTERNS:
        raise InvalidRequest(f"at most {MOST_PATTERNS} resources and actions in one request")
    if len(bodies) > MOST_PATTERNS:
        raise InvalidRequest(f"at most {MOST_PATTERNS} statements in one request")
    return tuple(_check(body, position) for position, body in enumerate(bodies))


def _check(body: StatementBody, position: int) -> Statement:
    if body.resources and body.not_resources:
        raise InvalidRequest(f"[{position}]: use resources or notResources, not both")
    if body.actions and body.not_actions:
        raise InvalidRequest(f"[{position}]: use actions or notActions, not both")
    return Statement(
        body.effect == "allow",
        tuple(_specifiers(body.resources, f"[{position}].resources")),
        tuple(_specifiers(body.not_resources, f"[{position}].notResources")),
        tuple(_compile(body.actions)),
        tuple(_compile(body.not_actions)),
    )


def _specifiers(texts: Iterable[str] | None, where: str) -> Iterator[Specifier]:
    for position, text in enumerate(texts or ()):
        yield Specifier.parse(text, f"{where}[{position}]")


def _compile(globs: Iterable[str] | None) -> Iterator[re.Pattern[str]]:
    return (compile_glob(glob, question_mark=False) for glob in globs or ())


def _pattern_lists(body: StatementBody) -> Iterator[list[str]]:
    yield from (body.resources or [], body.not_resources or [])
    yield from (body.actions or [], body.not_actions or [])


def _tags(entry: AuditEntry) -> tuple[str, ...]:
    """The resource's tags after the change, before it if it is gone."""
    summary = entry.change.after or entry.change.before or {}
    return tuple(summary.get("tags", ()))
