"""Which entries of the log of changes a request wants."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import Field

from api.bodies.models import StrictBody
from api.errors import InvalidRequest
from api.launchdarkly.wire.specifiers import LONGEST, Specifier, glob_matches
from worker.store import AuditEntry, Scope

#: Specifiers and actions in all statements of a request: each is tried on each entry.
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
    """A checked statement; without resources or actions it is about all of them."""

    allows: bool
    resources: tuple[Specifier, ...] = ()
    not_resources: tuple[Specifier, ...] = ()
    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()

    def matches(self, entry: AuditEntry, action: str) -> bool:
        """Whether it is about this action of the entry's."""
        return self._about_action(action) and self._about_resource(entry)

    def reaches_into(self, scope: Scope) -> bool:
        """Whether it may be about anything inside this environment."""
        return not self.resources or any(one.reaches_into(scope) for one in self.resources)

    def _about_action(self, action: str) -> bool:
        if self.not_actions:
            return not any(glob_matches(one, action) for one in self.not_actions)
        return not self.actions or any(glob_matches(one, action) for one in self.actions)

    def _about_resource(self, entry: AuditEntry) -> bool:
        resource, tags = entry.change.resource, _tags(entry)
        if self.not_resources:
            return not any(one.matches(resource, tags) for one in self.not_resources)
        return not self.resources or any(one.matches(resource, tags) for one in self.resources)


@dataclass(frozen=True, slots=True)
class Selection:
    """Everything that an entry must be to be wanted."""

    statements: tuple[Statement, ...] = ()
    """One that allows must match, none that denies; no statement: all entries."""
    text: str = ""
    """Part of the resource's name or specifier, of the sentence or of the comment, in any case."""
    tokens: frozenset[str] = frozenset()
    """Ids of the access tokens it may be by; none: any."""
    members: frozenset[str] = frozenset()
    """Ids of the account's members it may be by; bigseg has none, so no entry is by one."""

    def wants(self, entry: AuditEntry) -> bool:
        """Whether the entry is selected."""
        if self.members or (self.tokens and entry.change.token_id not in self.tokens):
            return False
        return self._has_text(entry) and self._is_stated(entry)

    def reaches_into(self, scope: Scope) -> bool:
        """Whether an entry of this environment's log may be selected."""
        allowing = [one for one in self.statements if one.allows]
        return not self.statements or any(one.reaches_into(scope) for one in allowing)

    def _has_text(self, entry: AuditEntry) -> bool:
        if not self.text:
            return True
        change = entry.change
        sentence = f"{change.actor} {change.verb} {change.name}"
        wanted = self.text.casefold()
        return any(
            wanted in text.casefold() for text in (sentence, change.resource, change.comment or "")
        )

    def _is_stated(self, entry: AuditEntry) -> bool:
        if not self.statements:
            return True
        return any(self._is_allowed(entry, action) for action in entry.change.actions)

    def _is_allowed(self, entry: AuditEntry, action: str) -> bool:
        effects = {one.allows for one in self.statements if one.matches(entry, action)}
        return effects == {True}


def specified(text: str) -> tuple[Statement, ...]:
    """The statement that a ``spec`` parameter stands for; none for none.

    Raises:
        InvalidRequest: it is no specifier.
    """
    if not text.strip():
        return ()
    return (Statement(allows=True, resources=(Specifier.parse(text, "spec"),)),)


def stated(bodies: Sequence[StatementBody]) -> tuple[Statement, ...]:
    """The checked statements of a request's body.

    Raises:
        InvalidRequest: one is wrong, or there are too many; says where.
    """
    if sum(len(one) for body in bodies for one in _pattern_lists(body)) > MOST_PATTERNS:
        raise InvalidRequest(f"at most {MOST_PATTERNS} resources and actions in one request")
    if len(bodies) > MOST_PATTERNS:
        raise InvalidRequest(f"at most {MOST_PATTERNS} statements in one request")
    return tuple(_statement(body, position) for position, body in enumerate(bodies))


def _statement(body: StatementBody, position: int) -> Statement:
    if body.resources and body.not_resources:
        raise InvalidRequest(f"[{position}]: use resources or notResources, not both")
    if body.actions and body.not_actions:
        raise InvalidRequest(f"[{position}]: use actions or notActions, not both")
    return Statement(
        body.effect == "allow",
        tuple(_specifiers(body.resources, f"[{position}].resources")),
        tuple(_specifiers(body.not_resources, f"[{position}].notResources")),
        tuple(body.actions or ()),
        tuple(body.not_actions or ()),
    )


def _specifiers(texts: Iterable[str] | None, where: str) -> Iterator[Specifier]:
    for position, text in enumerate(texts or ()):
        yield Specifier.parse(text, f"{where}[{position}]")


def _pattern_lists(body: StatementBody) -> Iterator[list[str]]:
    yield from (body.resources or [], body.not_resources or [])
    yield from (body.actions or [], body.not_actions or [])


def _tags(entry: AuditEntry) -> tuple[str, ...]:
    """The resource's tags after the change, before it if it is gone."""
    summary = entry.change.after or entry.change.before or {}
    return tuple(summary.get("tags", ()))
