"""Answers made of models, serialised once; a framework would build every value twice."""

from fastapi import Response
from pydantic import BaseModel


def shown(model: BaseModel, status: int = 200) -> Response:
    """A model as a JSON answer by its wire names; fields without a value are left out.

    Null inside a field of free form, such as a clause's values, stays.
    """
    body = model.model_dump_json(by_alias=True, exclude_none=True)
    return Response(body.encode(), status_code=status, media_type="application/json")
