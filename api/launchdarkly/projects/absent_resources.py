"""Answers about resources that clients ask for and bigseg does not have: views, approvals.

Terraform's provider reads the views of a segment whenever it reads the segment, and after a 404
reports views that do not exist; it sets segment approvals in a request of their own.
Source: read in the provider's code and observed with 2.x and 3.x.
"""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field

from api.bodies.models import Int32, WireModel, json_response
from api.errors import InvalidRequest
from api.launchdarkly.projects.patching import NO_APPROVALS
from api.launchdarkly.wire.links import PREFIX, Links
from api.launchdarkly.wire.parameters import Limit, Offset
from api.launchdarkly.wire.requests import ProjectKeyOf
from api.rest.operations import NO_PROJECT, READ, operation
from api.services.services import ServicesOf

router = APIRouter(prefix=PREFIX, tags=["Projects"])


class NoViews(WireModel):
    """A collection of views, which is empty."""

    items: Annotated[list[str], Field(max_length=0)]
    total_count: Int32
    links: Links = Field(alias="_links")


@router.get(
    "/projects/{projectKey}/view-associations/{resourceType}/{resourceKey}",
    operation_id="getLinkedViews",
    response_model=NoViews,
)
@operation(needs=READ, refuses=NO_PROJECT)
def get_linked_views(
    project: ProjectKeyOf,
    resourceType: Annotated[  # noqa: N803 - the documented name
        str, Path(description="The kind of the resource.")
    ],
    resourceKey: Annotated[str, Path(description="The resource's key.")],  # noqa: N803 - same
    services: ServicesOf,
    environmentId: Annotated[  # noqa: N803 - same
        str, Query(description="The id of the segment's environment.")
    ] = "",
    limit: Limit = 20,
    offset: Offset = 0,
    *,
    sort: Annotated[str, Query(description="Ignored: there are no views to sort.")] = "",
    filter: Annotated[  # noqa: A002 - the documented name
        str, Query(description="Ignored: there are no views to filter.")
    ] = "",
) -> Response:
    """List the views that a resource is linked to: none, because there are no views here."""
    del resourceType, resourceKey, environmentId, limit, offset, sort, filter  # nothing to select
    services.store().projects.get(project)
    return json_response(NoViews(items=[], total_count=0, links={}))


@router.patch("/approval-requests/projects/{projectKey}/settings", include_in_schema=False)
@operation(needs=READ)
def patch_approval_settings(project: ProjectKeyOf) -> Response:
    """Refuse to set approvals."""
    raise InvalidRequest(f"project {project}: {NO_APPROVALS}")
