"""Outcomes of flags in packed form: a variant, a split, a rollout, an experiment.

Source: the type set ``Packed`` of flags-core 1.8.2.
"""

from dataclasses import dataclass
from typing import Any, Final

from api.vercel.definitions.conditions import read_path
from api.vercel.definitions.values import Value

#: The scale of a rollout's shares: 1 is 0.001 %.
_ALL: Final = 100_000
_MOST_SLOTS: Final = 1_000
#: The last moment of JavaScript's dates, in Unix milliseconds.
_LAST_MS: Final = 8_640_000_000_000_000
_LARGEST_SEED: Final = 2**32 - 1
_PERCENT: Final = 100
_KINDS: Final = ("split", "rollout", "experiment")


@dataclass(frozen=True, slots=True)
class FlagShape:
    """What an outcome may name of its flag."""

    variants: int
    """How many there are."""
    experiment: bool
    """Whether there is one."""


def read_outcome(value: Value, shape: FlagShape) -> Any:  # noqa: ANN401 - any of its forms
    """Read what a rule or an environment gives.

    Raises:
        InvalidRequest: flags-core would not take it; names the place.
    """
    variants = shape.variants
    if not isinstance(value.json, dict):
        return value.index(variants)
    kind = value.object().get("type")
    if kind is None:
        value.refuse("type is missing")
    match kind.choice(_KINDS):
        case "split":
            return _read_split(value, variants)
        case "rollout":
            return _read_rollout(value, variants)
        case _:
            value.fields(("type",))
            if not shape.experiment:
                value.refuse("the flag has no experiment")
            return {"type": "experiment"}


def read_experiment(value: Value, variants: int) -> dict[str, Any]:
    """Read the experiment of a flag with so many variants. Errors: as :func:`read_outcome`."""
    required = ("id", "base", "weights", "defaultVariant", "enrollmentSeed")
    fields = value.fields(required, ("rampId", "rampPercentage"))
    experiment = {
        "id": fields["id"].text(least=1),
        **_read_weights(fields, variants),
        "enrollmentSeed": read_seed(fields["enrollmentSeed"]),
    }
    if "rampId" in fields:
        experiment["rampId"] = fields["rampId"].text()
    if "rampPercentage" in fields:
        experiment["rampPercentage"] = fields["rampPercentage"].number(0, _PERCENT)
    return experiment


def read_seed(value: Value) -> int:
    """Read the seed of a hash, of which flags-core takes 32 bits."""
    return value.integer(0, _LARGEST_SEED)


def _read_split(value: Value, variants: int) -> dict[str, Any]:
    fields = value.fields(("type", "base", "weights", "defaultVariant"))
    return {"type": "split", **_read_weights(fields, variants)}


def _read_weights(fields: dict[str, Value], variants: int) -> dict[str, Any]:
    weights = fields["weights"].items(least=1, most=variants)
    return {
        "base": read_path(fields["base"]),
        "weights": [weight.number(least=0) for weight in weights],
        "defaultVariant": fields["defaultVariant"].index(variants),
    }


def _read_rollout(value: Value, variants: int) -> dict[str, Any]:
    names = ("rollFromVariant", "rollToVariant", "defaultVariant")
    fields = value.fields(("type", "base", "startTimestamp", "slots", *names))
    return {
        "type": "rollout",
        "base": read_path(fields["base"]),
        "startTimestamp": fields["startTimestamp"].number(0, _LAST_MS),
        **{name: fields[name].index(variants) for name in names},
        "slots": [_read_slot(slot) for slot in fields["slots"].items(most=_MOST_SLOTS)],
    }


def _read_slot(slot: Value) -> list[float]:
    share, duration_ms = slot.items(least=2, most=2)
    return [share.number(0, _ALL), duration_ms.number(0, _LAST_MS)]
