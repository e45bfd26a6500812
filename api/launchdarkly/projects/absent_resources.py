"""Answers for resources that LaunchDarkly has and clients ask for, but bigseg has not.

Terraform's provider reads the views of a segment whenever it reads the segment, and shows
views that do not exist after a 404; it sets segment approvals apart from the environment.
Source: read in the provider's code and observed with 2.x and 3.x.
"""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from api.bodies.models import Int32, Int64, WireModel, json_response
from api.errors import InvalidRequest
from api.launchdarkly.projects.patching import NO_APPROVALS
from api.launchdarkly.projects.projects import ProjectOf
from api.launchdarkly.wire.links import PREFIX, Links
from api.services.services import ServicesOf


class NoViews(WireModel):
    """A collection of views, which is empty."""

    items: Annotated[list[str], Field(max_length=0)]
    total_count: Int32
    links: Links = Field(alias="_links")


def router() -> APIRouter:
    """The routes of this module."""
    routes = APIRouter(tags=["Projects"])
    routes.get(
        f"{PREFIX}/projects/{{projectKey}}/view-associations/{{resourceType}}/{{resourceKey}}",
        operation_id="getLinkedViews",
        response_model=NoViews,
    )(get_linked_views)
    routes.patch(
        f"{PREFIX}/approval-requests/projects/{{projectKey}}/settings",
        operation_id="patchApprovalRequestSettings",
        include_in_schema=False,
    )(patch_approval_settings)
    return routes


def get_linked_views(
    project: ProjectOf,
    resourceType: str,  # noqa: N803 - the documented name
    resourceKey: str,  # noqa: N803 - same
    services: ServicesOf,
    environmentId: str = "",  # noqa: N803 - same
    limit: Annotated[Int32, Query(ge=1, le=1000)] = 20,
    offset: Annotated[Int64, Query(ge=0)] = 0,
    *,
    sort: str = "",
    filter: str = "",  # noqa: A002 - the documented name
) -> Response:
    """List the views that a resource is linked to: none, because there are no views here."""
    del resourceType, resourceKey, environmentId, limit, offset, sort, filter  # none has any
    services.store().environments.project(project)
    return json_response(NoViews(items=[], total_count=0, links={}))


def patch_approval_settings(project: ProjectOf) -> Response:
    """Refuse to set approvals."""
    raise InvalidRequest(f"project {project}: {NO_APPROVALS}")
