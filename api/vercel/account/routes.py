"""The caller and the team, as Vercel's command line asks for them before anything else.

There are no users and no teams here: the user is the access token, and every team that a client
names is the one account, as ``teamId`` means nothing anywhere.
"""

import re
from typing import Annotated, Final

from fastapi import APIRouter, Path, Response

from api.bodies.models import WireModel, json_response
from api.errors import NotFound
from api.rest.operations import READ, operation
from api.services.services import CallerOf
from api.vercel.wire.account import ACCOUNT_ID, ACCOUNT_SLUG

router = APIRouter(tags=["Vercel account"])

#: What Vercel calls accounts whose projects all belong to teams.
_VERSION: Final = "northstar"
_TEAM_ID: Final = re.compile(r"team_[a-zA-Z0-9]+")
#: Nobody can receive anything there (RFC 2606).
_HOST: Final = "bigseg.invalid"

TeamId = Annotated[str, Path(description="Any team's id, or the account's slug.", max_length=128)]


class User(WireModel):
    """An access token, as a user."""

    id: str
    username: str
    name: str
    email: str
    version: str = _VERSION
    default_team_id: str = ACCOUNT_ID


class UserAnswer(WireModel):
    """The caller."""

    user: User


class Team(WireModel):
    """The account, as a team."""

    id: str
    slug: str = ACCOUNT_SLUG
    name: str = ACCOUNT_SLUG


@router.get("/v2/user", operation_id="getVercelUser", response_model=UserAnswer)
@operation(needs=READ)
def get_user(caller: CallerOf) -> Response:
    """Get the caller."""
    email = f"{caller.token_id}@{_HOST}"
    user = User(id=caller.token_id, username=caller.name, name=caller.name, email=email)
    return json_response(UserAnswer(user=user))


@router.get("/teams/{teamId}", operation_id="getVercelTeamUnversioned", response_model=Team)
@router.get("/v2/teams/{teamId}", operation_id="getVercelTeam", response_model=Team)
@operation(needs=READ, refuses={NotFound: "This is no team's id."})
def get_team(teamId: TeamId) -> Response:  # noqa: N803 - the documented name
    """Get a team: whichever id is asked for, the account."""
    if teamId == ACCOUNT_SLUG:
        return json_response(Team(id=ACCOUNT_ID))
    if _TEAM_ID.fullmatch(teamId) is None:
        message = f"no team has this id; the account's is {ACCOUNT_ID}"
        raise NotFound(message)
    return json_response(Team(id=teamId))
