"""The caller and the team, as the command line asks for them."""

import httpx
import pytest

from tests.support.servers.api import Api
from tests.support.servers.vercel import assert_error, vercel_client
from worker.store import NewToken, Store


def test_user__any_token__is_the_token(api: Api, store: Store) -> None:
    token, secret = store.access_tokens.create(NewToken("ci", "reader", "admin"))
    with vercel_client(api, secret) as client:
        reply = client.get("/v2/user")
    store.access_tokens.revoke(token.id)

    assert reply.json() == {
        "user": {
            "id": token.id,
            "username": "ci",
            "name": "ci",
            "email": f"{token.id}@bigseg.invalid",
            "version": "northstar",
            "defaultTeamId": "team_bigseg",
        }
    }


@pytest.mark.parametrize("path", ["/teams", "/v2/teams"])
@pytest.mark.parametrize(
    ("asked", "team_id"),
    [("team_bigseg", "team_bigseg"), ("bigseg", "team_bigseg"), ("team_aB3", "team_aB3")],
)
def test_team__of_any_id__is_the_account(
    vercel: httpx.Client, path: str, asked: str, team_id: str
) -> None:
    expected = {"id": team_id, "slug": "bigseg", "name": "bigseg"}
    assert vercel.get(f"{path}/{asked}").json() == expected


@pytest.mark.parametrize("team_id", ["none", "Team_1", "team_"])
def test_team__of_no_such_form__is_404(vercel: httpx.Client, team_id: str) -> None:
    assert_error(vercel.get(f"/teams/{team_id}"), 404, "not_found")


def test_team__of_a_very_long_id__is_400(vercel: httpx.Client) -> None:
    assert_error(vercel.get(f"/teams/team_{'x' * 200}"), 400, "bad_request")
