"""Definitions of flags, as an unmodified flags-core evaluates them: read whole, refused by place.

Source: the type set ``Packed`` of flags-core 1.8.2. What it would throw at, such as the index of
a variant that the flag does not have, is refused here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from api.vercel.definitions.conditions import References, Resolve, read_conditions, read_targets
from api.vercel.definitions.outcomes import FlagShape, read_experiment, read_outcome, read_seed
from api.vercel.definitions.values import Value, members_of
from api.vercel.evaluation import INHERITED

MOST_FLAGS: Final = 10_000
MOST_VARIANTS: Final = 1_000
MOST_ENVIRONMENTS: Final = 100
MOST_RULES: Final = 10_000
LONGEST_ENVIRONMENT: Final = 128

_FLAG_KEY: Final = re.compile(r"[a-zA-Z0-9_-]{1,512}")
_INHERITED_NAME: Final = "every object of JavaScript has a member of this name; choose another"


@dataclass(frozen=True, slots=True)
class Definitions:
    """The definitions of a project's flags."""

    flags: Mapping[str, Any]
    """By the flag's key, in packed form; segments are named by their ids."""
    users: Mapping[str, tuple[str, ...]]
    """By a segment's id: the keys of the flags whose rules name it."""


def read_definitions(body: object, resolve: Resolve) -> Definitions:
    """Read a document of definitions.

    Cost: about 150 ms per MiB.

    Args:
        body: the parsed document.
        resolve: finds the segments that conditions name.

    Raises:
        InvalidRequest: a part of it is wrong; names the place.
    """
    flags, users = dict[str, Any](), dict[str, list[str]]()
    for key, definition in members_of(Value(body), most=MOST_FLAGS):
        if _FLAG_KEY.fullmatch(key) is None:
            definition.refuse("a flag's key has 1 to 512 letters, digits, '_' and '-'")
        if key in INHERITED:
            definition.refuse(_INHERITED_NAME)
        references = References(resolve)
        flags[key] = _read_flag(definition, references)
        for segment_id in references.ids:
            users.setdefault(segment_id, []).append(key)
    return Definitions(flags, {segment_id: tuple(keys) for segment_id, keys in users.items()})


def _read_flag(value: Value, references: References) -> dict[str, Any]:
    fields = value.fields(("variants", "environments"), ("variantIds", "seed", "experiment"))
    variants = [item.json for item in fields["variants"].items(least=1, most=MOST_VARIANTS)]
    flag: dict[str, Any] = {"variants": variants}
    if "variantIds" in fields:
        names = fields["variantIds"].items(most=len(variants))
        flag["variantIds"] = [name.text() for name in names]
    if "seed" in fields:
        flag["seed"] = read_seed(fields["seed"])
    if "experiment" in fields:
        flag["experiment"] = read_experiment(fields["experiment"], len(variants))
    shape = FlagShape(len(variants), "experiment" in fields)
    flag["environments"] = _read_environments(fields["environments"], references, shape)
    return flag


def _read_environments(value: Value, references: References, shape: FlagShape) -> dict[str, Any]:
    environments = dict[str, Any]()
    for name, configuration in members_of(value, most=MOST_ENVIRONMENTS):
        if not 1 <= len(name) <= LONGEST_ENVIRONMENT:
            configuration.refuse(f"an environment has 1 to {LONGEST_ENVIRONMENT} characters")
        if name in INHERITED:
            configuration.refuse(_INHERITED_NAME)
        environments[name] = _read_configuration(configuration, references, shape)
    _require_ends(value, environments)
    return environments


def _require_ends(value: Value, environments: Mapping[str, Any]) -> None:
    """Make sure that whatever environments reuse ends at one with a configuration of its own."""
    ended = set[str]()
    for first in environments:
        name, seen = first, list[str]()
        while name not in ended:
            if name not in environments:
                value.refuse("an environment reuses one that is not there")
            if name in seen:
                value.refuse("environments reuse one another in a cycle")
            seen.append(name)
            configuration = environments[name]
            if not isinstance(configuration, dict) or "reuse" not in configuration:
                break
            name = configuration["reuse"]
        ended.update(seen)


def _read_configuration(value: Value, references: References, shape: FlagShape) -> Any:  # noqa: ANN401 - any of its forms
    """Read what a flag does in an environment: one variant if it is paused, else its rules."""
    if not isinstance(value.json, dict):
        return value.index(shape.variants)
    if "reuse" in value.json:
        return {"reuse": value.fields(("reuse",))["reuse"].text(most=LONGEST_ENVIRONMENT)}
    fields = value.fields(("fallthrough",), ("targets", "rules"))
    configuration = dict[str, Any]()
    if "targets" in fields:
        targets = fields["targets"].items(most=shape.variants)
        configuration["targets"] = [read_targets(item) for item in targets]
    if "rules" in fields:
        configuration["rules"] = [
            _read_rule(rule, references, shape) for rule in fields["rules"].items(most=MOST_RULES)
        ]
    configuration["fallthrough"] = read_outcome(fields["fallthrough"], shape)
    return configuration


def _read_rule(value: Value, references: References, shape: FlagShape) -> dict[str, Any]:
    fields = value.fields(("conditions", "outcome"))
    return {
        "conditions": read_conditions(fields["conditions"], references),
        "outcome": read_outcome(fields["outcome"], shape),
    }
