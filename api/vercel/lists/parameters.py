"""The query parameters of lists of imports and of exports."""

from typing import Annotated, Final

from fastapi import Query

from api.bodies.models import Int32
from worker.store import Status

#: A record takes a few kilobytes for each chunk and range of its list.
_MOST: Final = 100

Limit = Annotated[
    Int32, Query(ge=1, le=_MOST, description="The largest number of items to return.")
]
Offset = Annotated[Int32, Query(ge=0, description="The number of items to skip.")]
StatusIs = Annotated[Status | None, Query(alias="status", description="Only of this status.")]
InitiatorIs = Annotated[
    str | None,
    Query(
        alias="initiator",
        max_length=256,
        description="Only those that the token of this name has started.",
    ),
]
