"""What the OpenAPI document says of a value that plain code reads instead of a model."""

from dataclasses import dataclass
from typing import Any

from pydantic import GetJsonSchemaHandler, TypeAdapter
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema


@dataclass(frozen=True, slots=True)
class DocumentedAs:
    """An annotation: the value is described as one of another type, and read as before."""

    kind: Any
    """The type, such as a list of models."""

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Describe the other type; pydantic asks."""
        del core_schema
        return handler(TypeAdapter(self.kind).core_schema)
