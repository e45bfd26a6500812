"""``bigseg environments sdk-keys``, against a real API."""

from tests.support.clients.command_line import Run, json_of
from tests.support.servers.api import Api

_GROUP = ("environments", "sdk-keys")


def _status(api: Api, key: str) -> int:
    with api.client(key) as client:
        return client.get("/sdk/latest-all").status_code


def test_sdk_keys__made_listed_revoked__open_the_data_meanwhile(api: Api, run: Run) -> None:
    made = run(*_GROUP, "create", "--label", "canary")
    key = made.stdout.strip()
    assert key.startswith("sdk-")
    assert "cannot be displayed again" in made.stderr
    assert _status(api, key) == 200
    listed = run(*_GROUP, "list")
    assert "canary" in listed.stdout
    assert key not in listed.stdout
    key_id = made.stderr.split()[2]

    revoked = run(*_GROUP, "revoke", key_id, "--yes", "--json")
    assert json_of(revoked) == {"revoked": key_id}
    assert _status(api, key) == 401
    again = run(*_GROUP, "revoke", key_id, "--yes")
    assert again.exit_code == 5
    assert "no SDK key" in again.stderr


def test_sdk_keys__for_a_relay__is_none_for_sdks(api: Api, run: Run) -> None:
    made = json_of(run(*_GROUP, "create", "--relay", "--json"))

    assert made["relay"]
    with api.client(made["key"]) as client:
        assert client.get("/sdk/big-segments/revisions").status_code != 403


def test_reset__of_an_environment_just_created__keeps_the_old_key_as_long_as_asked(
    api: Api, run: Run
) -> None:
    created = json_of(run("environments", "create", "cli-sdk-keys", "--json"))
    options = ("--environment", "cli-sdk-keys")
    assert _status(api, created["apiKey"]) == 200
    kept = run(*_GROUP, "reset", *options, "--keep-old", "1h").stdout.strip()
    assert [_status(api, key) for key in (created["apiKey"], kept)] == [200, 200]
    last = run(*_GROUP, "reset", *options, "--yes").stdout.strip()
    assert [_status(api, key) for key in (kept, last)] == [401, 200]
    assert run("environments", "delete", "cli-sdk-keys", "--yes").exit_code == 0
