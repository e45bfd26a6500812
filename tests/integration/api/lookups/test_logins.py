"""Log-ins of the look-ups' own connection: passwords, users, databases, primaries only."""

from collections.abc import Iterator

import pytest

from tests.support.servers.ports import free_port
from tests.support.servers.redis import Server, running_server, wait_until
from tests.support.systems.lookups import ADDRESS, running_lookups
from worker.store import (
    Edit,
    EnvironmentRef,
    NewSegment,
    StoreSettings,
    StoreUnavailable,
    open_store,
)

_SCOPE = EnvironmentRef(ADDRESS[0], ADDRESS[1])


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server whose default user needs a password; ``reader`` has another.

    No administrative command is allowed to that one, nor the one that tells the role.
    """
    with running_server("valkey") as server:
        rules = ("on", ">p%ss/word", "~*", "+@all", "-role", "-hello")
        server.command_reply("ACL", "SETUSER", "reader", *rules)
        server.command_reply("CONFIG", "SET", "requirepass", "secret")
        yield server


@pytest.mark.parametrize("login", [":secret@", "default:secret@", "reader:p%25ss%2Fword@"])
@pytest.mark.parametrize("database", [0, 3])
def test_lookups__password_user_and_database_in_the_url__are_used(
    server: Server, login: str, database: int
) -> None:
    url = f"redis://{login}127.0.0.1:{server.port}/{database}"
    prefix = f"t{abs(hash((login, database)))}"
    settings = StoreSettings.model_validate({"redis_url": url, "key_prefix": prefix})
    with open_store(settings) as store, running_lookups(url, store) as lookups:
        store.environments.initialise()
        ref = store.segments.create(_SCOPE, NewSegment(ADDRESS[2], "n", unbounded=True)).ref
        store.memberships.edit(ref, [Edit("i+", "a")])

        assert lookups.see_all(["a", "b"]) == [(True, False), (False, False)]


@pytest.mark.parametrize("login", ["", ":wrong@"])
def test_lookups__refused_log_in__are_unavailable_and_repeat_no_secret(
    server: Server, login: str
) -> None:
    good = StoreSettings.model_validate({"redis_url": f"redis://:secret@127.0.0.1:{server.port}"})
    bad = f"redis://{login}127.0.0.1:{server.port}"
    with open_store(good) as store:
        store.environments.initialise()
        store.segments.create(_SCOPE, NewSegment(f"s{len(login)}", "n", unbounded=True))
        place = (*ADDRESS[:2], f"s{len(login)}")
        with running_lookups(bad, store) as lookups:
            with pytest.raises(StoreUnavailable) as refused:
                lookups.look_up("a", place)
            assert "wrong" not in str(refused.value)


def test_lookups__server_is_a_replica__are_unavailable() -> None:
    with (
        running_server("valkey") as primary,
        running_server("valkey", port=free_port()) as replica,
    ):
        settings = StoreSettings.model_validate({"redis_url": primary.url})
        with open_store(settings) as store:
            store.environments.initialise()
            store.segments.create(_SCOPE, NewSegment(ADDRESS[2], "n", unbounded=True))
            replica.command_reply("REPLICAOF", "127.0.0.1", primary.port)
            wait_until(lambda: b"slave" in replica.command_reply("ROLE"), "it is a replica")

            with (
                running_lookups(replica.url, store) as lookups,
                pytest.raises(StoreUnavailable, match="not a primary"),
            ):
                lookups.look_up("a")
