"""The project as clients of segments ask for it; it is managed in LaunchDarkly's dialect."""

from fastapi import APIRouter, Response

from api.bodies.models import Int64, WireModel, json_response
from api.rest.operations import NO_PROJECT, operation
from api.vercel.operations import READ
from api.vercel.wire.account import ACCOUNT_ID
from api.vercel.wire.project_ids import project_id
from api.vercel.wire.requests import ProjectOf

router = APIRouter(tags=["Vercel projects"])


class ProjectRepresentation(WireModel):
    """A project, with the fields that clients of segments need."""

    id: str
    name: str
    account_id: str
    created_at: Int64


@router.get(
    "/v9/projects/{projectIdOrName}",
    operation_id="getVercelProject",
    response_model=ProjectRepresentation,
)
@operation(needs=READ, refuses=NO_PROJECT)
def get_project(project: ProjectOf) -> Response:
    """Get a project; its name here is its key."""
    return json_response(
        ProjectRepresentation(
            id=project_id(project),
            name=project.key,
            account_id=ACCOUNT_ID,
            created_at=project.created_ms,
        )
    )
