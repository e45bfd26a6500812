"""The bases of answers and of request bodies: Python's names here, camelCase on the wire."""

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, ClassVar, Final, get_args

from fastapi import Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from api.bodies.unknown_names import unknown_field

#: Versions, generations, weights, and counts of what is listed or written one by one. Generators
#: of clients take an integer without a format for one of 32 bits as well.
Int32 = Annotated[int, Field(json_schema_extra={"format": "int32"})]
#: Times and durations in milliseconds, sizes in bytes, rows and members: what may pass 2**31 - 1,
#: where a client in Java would show another date without an error.
Int64 = Annotated[int, Field(json_schema_extra={"format": "int64"})]

#: The largest integer that every client reads exactly.
MAX_SAFE_INTEGER: Final = 2**53 - 1


def null_is(default: object) -> BeforeValidator:
    """Read null as absent."""
    return BeforeValidator(lambda value: default if value is None else value)


def blank_is(default: object) -> BeforeValidator:
    """Read null and '' as absent."""
    return BeforeValidator(lambda value: default if value is None or value == "" else value)


#: A boolean that is nothing else in JSON; null is false.
Flag = Annotated[bool, Field(strict=True), null_is(default=False)]


class WireModel(BaseModel):
    """An answer or part of one, made by Python's names and written by those of the wire.

    A wire name that the rule does not give, such as ``_id``, is declared with
    ``Field(alias=…)``.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        frozen=True,
    )


class StrictBody(WireModel):
    """A request body, or part of one: it takes wire names only and refuses unknown fields.

    The refusal names the field, the nearest known one, and all of them. Cost: about 1 µs
    for an object whose fields are all known.

    Our own code makes one by wire names too. A body that it makes by Python's names sets
    ``validate_by_name``, and is then read from outside with ``by_name=False``.
    """

    model_config = ConfigDict(extra="forbid", validate_by_name=False)

    ignored: ClassVar[frozenset[str]] = frozenset()
    """Fields that are accepted and mean nothing; see ``ignored_fields``."""

    @model_validator(mode="before")
    @classmethod
    def _require_known_fields(cls, value: Any) -> Any:  # noqa: ANN401 - any JSON
        if not isinstance(value, dict):
            return value
        known = _accepted_names(cls)
        if value.keys() <= known:
            return value
        for name in value:
            if name not in known and name not in cls.ignored:
                # Not ValueError, which pydantic keeps with its traceback: a reference cycle.
                fault = unknown_field(name, wire_names(cls), _inner_names(cls))
                raise PydanticCustomError("unknown_field", "{fault}", {"fault": fault})
        return {name: field for name, field in value.items() if name not in cls.ignored}


def json_response(model: BaseModel, status: int = 200) -> Response:
    """Answer with a model by its wire names, without the fields that have no value.

    Null inside a field of free form, such as a clause's values, stays. Serialised once; the
    framework would build every value twice.
    """
    body = model.model_dump_json(by_alias=True, exclude_none=True)
    return Response(body.encode(), status_code=status, media_type="application/json")


@cache
def wire_names(body: type[BaseModel]) -> tuple[str, ...]:
    """The fields of a body as they are on the wire."""
    return tuple(field.alias or name for name, field in body.model_fields.items())


@cache
def _accepted_names(body: type[StrictBody]) -> frozenset[str]:
    names = frozenset(wire_names(body))
    return names | body.model_fields.keys() if body.model_config["validate_by_name"] else names


@cache
def _inner_names(body: type[BaseModel]) -> Mapping[str, str]:
    """Fields of the fields that are objects, with their whole names."""
    return {
        name: f"{field.alias or outer}.{name}"
        for outer, field in reversed(body.model_fields.items())
        for model in _models_in(field)
        for name in wire_names(model)
    }


def _models_in(field: FieldInfo) -> list[type[BaseModel]]:
    candidates = (field.annotation, *get_args(field.annotation))
    return [
        model for model in candidates if isinstance(model, type) and issubclass(model, BaseModel)
    ]
