"""A kind of instruction: a model of its parameters, a function, and which segments it is for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from pydantic import ValidationError

from api.bodies.faults import refusal
from api.bodies.models import StrictBody
from api.errors import InvalidRequest
from api.launchdarkly.segments.instructions.draft import Draft
from api.launchdarkly.targeting.fields import Ids, new_id_context

#: Which segments an instruction is for.
Segments = Literal["any", "standard", "big"]


class Parameters(StrictBody):
    """The parameters of one kind of instruction, without its kind."""


ParametersLike = TypeVar("ParametersLike", bound=Parameters)


@dataclass(frozen=True, slots=True)
class InstructionKind(Generic[ParametersLike]):
    """One row of the table of instructions."""

    parameters: type[ParametersLike]
    apply: Callable[[Draft, ParametersLike], None]
    """Changes the draft unless there is nothing to change, or raises ``InvalidRequest``."""
    segments: Segments = "any"

    def parse(self, raw: Mapping[str, Any], where: str, ids: Ids) -> ParametersLike:
        """Read an instruction's parameters.

        Raises:
            InvalidRequest: one is wrong; says where, never the value.
        """
        named = {name: value for name, value in raw.items() if name != "kind"}
        try:
            return self.parameters.model_validate(
                named, context=new_id_context(ids), by_alias=True, by_name=False
            )
        except ValidationError as exc:
            raise self._refusal(exc, where) from exc

    def _refusal(self, error: ValidationError, where: str) -> InvalidRequest:
        found, fault = refusal(error, where), error.errors(include_input=False)[0]
        if fault["type"] == "missing" and len(fault["loc"]) == 1:
            fields = self.parameters.model_fields.items()
            names = ", ".join(field.alias or name for name, field in fields)
            return InvalidRequest(f"{found}; parameters: {names}")
        return found


Kinds = Mapping[str, InstructionKind[Any]]
