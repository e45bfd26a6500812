"""``bigseg tokens``, against a real API."""

import time

import pytest

from tests.support.clients.command_line import Run, json_of
from tests.support.servers.api import Api, create_segment, new_key


def test_tokens__made_listed_revoked__open_what_they_should(api: Api, run: Run) -> None:
    made = json_of(
        run(
            *("tokens", "create", "--name", "nightly", "--role", "writer", "--expires-in", "90d"),
            *("--project", "default", "--environment", "prod*", "--segment", "a-*"),
            *("--segment", "b-*", "--json"),
        )
    )
    assert made["inlineRole"][0]["resources"] == [
        "proj/default:env/prod*:segment/a-*",
        "proj/default:env/prod*:segment/b-*",
    ]
    lasts_s = made["expiry"] / 1_000 - time.time()
    assert abs(lasts_s - 90 * 86_400) < 60
    with api.client(made["token"]) as client:
        create_segment(client, new_key("b-x"))

    listed = run("tokens", "list")
    assert made["_id"] in listed.stdout
    assert made["token"] not in listed.stdout
    assert made["_id"] in [item["_id"] for item in json_of(run("tokens", "list", "--json"))]

    assert run("tokens", "revoke", made["_id"], "--yes").exit_code == 0
    with api.client(made["token"]) as client:
        assert client.get("/api/v2/projects").status_code == 401
    again = run("tokens", "revoke", made["_id"], "--yes")
    assert again.exit_code == 5
    assert "does not exist" in again.stderr


def test_tokens__made_for_people__prints_the_secret_alone(run: Run) -> None:
    made = run("tokens", "create", "--name", "n")

    assert made.exit_code == 0
    assert made.stdout.startswith("api-")
    assert len(made.stdout.strip()) == 40
    assert "reader" in made.stderr


@pytest.mark.parametrize("text", ["90", "0d", "d", "1y", "-1d"])
def test_tokens__expiry_not_understood__is_one_line(run: Run, text: str) -> None:
    made = run("tokens", "create", "--name", "n", f"--expires-in={text}")

    assert made.exit_code == 2
    assert "90d" in made.stderr


def test_list__narrow_terminal__shows_the_ids_that_revoke_takes(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = json_of(run("tokens", "create", "--name", "narrow", "--segment", "a-*", "--json"))
    monkeypatch.setenv("COLUMNS", "80")
    assert made["_id"] in run("tokens", "list").stdout
    assert run("tokens", "revoke", made["_id"], "--yes").exit_code == 0
