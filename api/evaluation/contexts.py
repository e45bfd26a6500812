"""The context instance that segments are evaluated for: one or more kinds, each with a key.

Source: LaunchDarkly go-sdk-common v3, ldcontext, and its three JSON forms: one kind, ``multi``,
and the older user without a kind.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from api.evaluation.errors import InvalidContext
from api.evaluation.segments import DEFAULT_KIND

MULTI_KIND: Final = "multi"

_KIND: Final = re.compile(r"[A-Za-z0-9._-]+")
_KIND_FORM: Final = "must be made of ASCII letters, digits, '.', '_' and '-'"
#: What an older user may not set through its "custom" object, and what is no attribute.
_RESERVED: Final = frozenset({"kind", "key", "name", "anonymous", "_meta"})
#: Attributes that older users had by name, as strings.
_OLD_STRINGS: Final = frozenset({"firstName", "lastName", "email", "country", "avatar", "ip"})
_OLD_META: Final = frozenset({"secondary", "privateAttributeNames", "custom"})


@dataclass(frozen=True, slots=True)
class Individual:
    """The context of one kind.

    ``attributes`` holds the built-in ones too: kind, key, anonymous, and name if there is one.
    """

    kind: str
    key: str
    attributes: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Context:
    """Who is asked about, by kind. There is at least one."""

    individuals: Mapping[str, Individual]

    @property
    def is_only_user(self) -> bool:
        """Whether there is one kind and it is user."""
        return len(self.individuals) == 1 and DEFAULT_KIND in self.individuals


def parse_context(document: object) -> Context:
    """Read a context instance from its JSON form.

    Promises that every kind and every key is well formed in the SDKs' sense: a key is any
    string but the empty one. Whether a key could be in a list of ours is not checked; see
    ``worker.context_keys``. A missing ``kind`` means an older user: the attributes inside its
    ``custom`` object count as its own.

    Args:
        document: The parsed JSON value. It is kept, so it must not be changed afterwards.

    Raises:
        InvalidContext: It is no context; the message says which property is wrong.
    """
    if not isinstance(document, dict):
        raise InvalidContext("a context must be a JSON object with a kind and a key")
    kind = document.get("kind", DEFAULT_KIND)
    if not isinstance(kind, str):
        raise InvalidContext("kind must be a string; leave it out for a user")
    if kind == MULTI_KIND:
        return Context({individual.kind: individual for individual in _individuals(document)})
    if "kind" not in document:
        document = dict(_modernised(document))
    return Context({kind: _individual(document, kind, path="")})


def _individuals(document: Mapping[str, object]) -> Iterator[Individual]:
    if len(document) == 1:
        raise InvalidContext("a context of kind multi must have a property for at least one kind")
    for kind, part in document.items():
        if kind == "kind":
            continue
        if not isinstance(part, dict):
            raise InvalidContext(f"{kind} must be an object: each property of a multi is a context")
        if part.get("kind", kind) != kind:
            raise InvalidContext(f"{kind}.kind says another kind; leave it out inside a multi")
        yield _individual(part, kind, path=f"{kind}.")


def _individual(document: Mapping[str, object], kind: str, *, path: str) -> Individual:
    _check_kind(kind)
    key = document.get("key")
    if not isinstance(key, str) or not key:
        raise InvalidContext(f"{path}key must be a string and not empty")
    name = document.get("name")
    if name is not None and not isinstance(name, str):
        raise InvalidContext(f"{path}name must be a string")
    anonymous = document.get("anonymous", False)
    if not isinstance(anonymous, bool):
        raise InvalidContext(f"{path}anonymous must be true or false")
    _check_meta(document.get("_meta"), path)
    attributes = {**document, "kind": kind, "anonymous": anonymous}
    attributes.pop("_meta", None)
    return Individual(kind, key, attributes)


def _check_kind(kind: str) -> None:
    if kind in {MULTI_KIND, "kind"}:
        raise InvalidContext(f"{kind!r} is not the name of a kind; choose another")
    if not _KIND.fullmatch(kind):
        raise InvalidContext(f"a kind {_KIND_FORM}; use user if in doubt")


def _check_meta(meta: object, path: str) -> None:
    if meta is None:
        return
    private = meta.get("privateAttributes") if isinstance(meta, dict) else meta
    if private is None:
        return
    if not isinstance(private, list) or not all(isinstance(name, str) for name in private):
        raise InvalidContext(f"{path}_meta.privateAttributes must be a list of strings")


def _modernised(user: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Give an older user's properties as those of a context of kind user.

    The SDKs ignore properties that older users did not have; here they are attributes, so that
    a context that merely lacks its kind is taken as it was meant.
    """
    custom = user.get("custom")
    if custom is not None and not isinstance(custom, dict):
        raise InvalidContext("custom must be an object")
    if custom is not None:
        yield from ((name, value) for name, value in custom.items() if name not in _RESERVED)
    for name, value in user.items():
        if name in _OLD_STRINGS and value is not None and not isinstance(value, str):
            raise InvalidContext(f"{name} must be a string in a context without a kind")
        if name not in _OLD_META and not (name == "anonymous" and value is None):
            yield name, value
