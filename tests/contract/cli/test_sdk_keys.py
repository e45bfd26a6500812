"""``bigseg sdk-keys``, against a real API."""

from tests.support.clients.command_line import Run, json_of
from tests.support.servers.api import Api


def test_sdk_keys__made_listed_revoked__read_the_datafile_meanwhile(api: Api, run: Run) -> None:
    made = json_of(run("sdk-keys", "create", "--flag-environment", "p", "--label", "web", "--json"))
    key_id = made["hashKey"]

    def read() -> int:
        with api.client(f"Bearer {made['keyValue']}") as client:
            reply = client.get("/v1/datafile")
        assert reply.status_code != 200 or reply.json()["environment"] == "p"
        return reply.status_code

    assert read() in {200, 409}  # 409: other tests attach lists in this project
    listed = run("sdk-keys", "list")
    assert key_id in listed.stdout
    assert "web" in listed.stdout
    assert made["keyValue"] not in listed.stdout
    assert key_id in [key["hashKey"] for key in json_of(run("sdk-keys", "list", "--json"))]

    revoked = run("sdk-keys", "revoke", key_id, "--yes", "--json")
    assert json_of(revoked) == {"revoked": key_id}
    assert read() == 401
    again = run("sdk-keys", "revoke", key_id, "--yes")
    assert again.exit_code == 5
    assert "has no SDK key" in again.stderr


def test_sdk_keys__made_for_people__prints_the_key_alone(run: Run) -> None:
    made = run("sdk-keys", "create")

    assert made.exit_code == 0
    assert made.stdout.startswith("vf_server_")
    assert len(made.stdout.strip()) == 42
    assert "environment production" in made.stderr


def test_sdk_keys__of_no_project__are_not_found(run: Run) -> None:
    listed = run("sdk-keys", "list", "--project", "none")
    assert listed.exit_code == 5
    assert "project none does not exist" in listed.stderr
