"""What Vercel's command line 60.0.1 sends, as it was recorded, and what it needs of the answers.

It is large, so it is not installed here. Its ``--token`` takes letters, digits and ``_`` only, so
that an access token is written with ``_`` for ``-``. It asks for the user, the team and the
project at the same time, before anything else.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import httpx
import pytest

from tests.support.servers.api import Api
from tests.support.vercel.projects import OwnProject
from worker.store import NewToken, Store

_TEAM: Final = "team_AbC123"
_HEADERS: Final = {
    "x-vercel-cli-session-id": "fd417daf-bc52-45f8-8452-179c5f95900a",
    "x-vercel-cli-invocation-id": "6c0ff961-d23d-4fd6-b8b1-4867dd05775e",
    "user-agent": "vercel 60.0.1 node-v24.19.0 linux (x64)",
    "accept": "*/*",
    "accept-language": "*",
    "sec-fetch-mode": "cors",
    "accept-encoding": "gzip, deflate",
}
_JSON: Final = {"content-type": "application/json; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class CommandLine:
    """Sends what the command line sends in a directory that is linked to a project."""

    http: httpx.Client
    project_id: str

    def ask(self, method: str, path: str, body: str | None = None, **query: str) -> httpx.Response:
        """Send a request about the project's flags, the team's id last."""
        return self.http.request(
            method,
            f"/v1/projects/{self.project_id}/feature-flags/{path}",
            params={**query, "teamId": _TEAM},
            content=body,
            headers={} if body is None else _JSON,
        )

    def begin(self) -> None:
        """Ask what every command asks first, and hold the answers against what it reads."""
        user = self._json(self.http.get("/v2/user"))["user"]
        assert {"id", "username", "email", "name", "version", "defaultTeamId"} <= set(user)
        team = self._json(self.http.get(f"/teams/{_TEAM}"))
        assert team == {"id": _TEAM, "slug": team["slug"], "name": team["name"]}
        path, query = f"/v9/projects/{self.project_id}", {"teamId": _TEAM}
        project = self._json(self.http.get(path, params=query))
        assert project["id"] == self.project_id
        assert {"name", "accountId"} <= set(project)

    def settings(self) -> Any:
        """Ask for the settings, which it reads before it writes."""
        return self._json(self.ask("GET", "settings"))["entities"]

    @staticmethod
    def _json(reply: httpx.Response) -> Any:
        assert reply.status_code == 200, reply.text
        return reply.json()


@pytest.fixture
def cli(api: Api, store: Store, vercel: httpx.Client, project: OwnProject) -> Iterator[CommandLine]:
    token, secret = store.access_tokens.create(NewToken("ci", "writer", "admin"))
    project_id = vercel.get(f"/v9/projects/{project.key}").json()["id"]
    with api.client(f"Bearer {secret.replace('-', '_')}") as client:
        client.headers.update(_HEADERS)
        yield CommandLine(client, project_id)
    store.access_tokens.revoke(token.id)


def _create(cli: CommandLine, slug: str = "beta", data: str | None = None) -> httpx.Response:
    data = data or (
        '{"rules":[{"id":"rule_5a4c5hD4hLeO","conditions":[{"lhs":{"type":"entity","kind":"user",'
        '"attribute":"plan"},"cmp":"eq","rhs":"pro"}],"outcome":{"type":"all"}}],"include":{"user"'
        ':{"id":[{"value":"u1"}]}},"exclude":{}}'
    )
    body = f'{{"slug":"{slug}","label":"Beta users","data":{data},"hint":"Beta users"}}'
    cli.begin()
    assert cli.settings() == []
    return cli.ask("PUT", "segments", body)


def _operation(action: str, value: str) -> str:
    return (
        f'{{"operations":[{{"action":"{action}","field":"include","entity":"user",'
        f'"attribute":"id","value":{{"value":"{value}"}}}}]}}'
    )


def test_create__again__is_created_and_then_refused(cli: CommandLine) -> None:
    reply = _create(cli)

    assert reply.status_code == 201
    created = reply.json()
    assert (created["slug"], created["hint"]) == ("beta", "Beta users")
    assert created["data"]["rules"][0]["id"] == "rule_5a4c5hD4hLeO"
    again = _create(cli)
    assert again.status_code == 409
    assert again.json()["error"]["message"].startswith("segment beta already exists")


def test_ls__one_segment__is_listed_with_its_creator(cli: CommandLine) -> None:
    _create(cli)
    cli.begin()
    (listed,) = cli.ask("GET", "segments", withMetadata="true").json()["data"]

    assert listed["metadata"]["creator"]["name"] == "ci"
    assert (listed["usedByFlags"], listed["usedBySegments"]) == ([], [])
    assert listed["createdAt"] == listed["updatedAt"] > 1_700_000_000_000


def test_inspect__by_slug__is_the_segment(cli: CommandLine) -> None:
    created = _create(cli).json()
    cli.begin()
    cli.settings()
    reply = cli.ask("GET", "segments/beta", withMetadata="true")

    assert reply.status_code == 200
    found = reply.json()
    assert found.pop("metadata")["creator"]["name"] == "ci"
    assert found == created


def test_update__add_and_remove__changes_the_values(cli: CommandLine) -> None:
    _create(cli)
    cli.begin()
    cli.settings()
    added = cli.ask("PATCH", "segments/beta", _operation("add", "u9"))
    assert added.status_code == 200
    assert added.json()["data"]["include"]["user"]["id"] == [{"value": "u1"}, {"value": "u9"}]

    cli.begin()
    cli.settings()
    before = cli.ask("GET", "segments/beta", withMetadata="true").json()
    assert before["data"] == added.json()["data"]
    removed = cli.ask("PATCH", "segments/beta", _operation("remove", "u1"))
    assert removed.json()["data"]["include"]["user"]["id"] == [{"value": "u9"}]


def test_rm__of_a_segment_in_use__is_refused_with_those_who_use_it(cli: CommandLine) -> None:
    _create(cli)
    conditions = '[{"lhs":{"type":"segment"},"cmp":"eq","rhs":"beta"}]'
    rules = f'[{{"id":"rule_1","conditions":{conditions},"outcome":{{"type":"all"}}}}]'
    outer = _create(cli, "outer", f'{{"rules":{rules},"include":{{}},"exclude":{{}}}}').json()

    def remove(slug: str) -> httpx.Response:
        cli.begin()
        assert cli.ask("GET", f"segments/{slug}").status_code == 200
        return cli.ask("DELETE", f"segments/{slug}")

    refused = remove("beta")
    assert refused.status_code == 400
    error = refused.json()["error"]
    assert error["code"] == "SEGMENT_IN_USE"
    named = {"id": outer["id"], "slug": "outer", "name": "Beta users", "label": "Beta users"}
    assert error["usedBy"] == {"flags": [], "segments": [named]}
    for slug in ("outer", "beta"):
        removed = remove(slug)
        assert (removed.status_code, removed.content) == (204, b"")
        assert "content-type" not in removed.headers  # it would parse the empty body
    assert json.loads(cli.ask("GET", "segments", withMetadata="true").content) == {"data": []}


def test_inspect__no_such_segment__is_404_with_a_message(cli: CommandLine) -> None:
    cli.begin()
    reply = cli.ask("GET", "segments/none", withMetadata="true")
    assert reply.status_code == 404
    assert "has no segment none" in reply.json()["error"]["message"]
