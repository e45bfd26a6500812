"""The base of every body and answer: Python's names here, camelCase on the wire."""

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class WireModel(BaseModel):
    """A body or an answer, made by Python's names and written by those of the wire.

    A wire name that the rule does not give, such as ``_id``, is declared with
    ``Field(alias=…)``. A body from outside is a ``StrictBody``, which refuses Python's names.
    """

    model_config = ConfigDict(
        alias_generator=to_camel, validate_by_name=True, validate_by_alias=True, frozen=True
    )
