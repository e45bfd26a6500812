"""deploy/howto/backup.md, followed on a real server: after a loss of all, each member is back."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.support.commands.pages import Page
from tests.support.commands.path import install_commands
from tests.support.commands.shell import running_shell
from tests.support.commands.variable_text import mask
from tests.support.servers.ports import free_port
from tests.support.servers.redis import Kind, Server, server_binary, wait_until
from tests.support.store.building import members_of, replace
from tests.support.store.stores import keys_of, new_list, opened, token
from worker.store import Edit, ListRef, NewToken, Store
from worker.store.keyspace import EXCLUDED, INCLUDED

_DEPLOY: Final = Path(__file__).parents[5] / "deploy"
#: What the page has to its first heading and what it tells to do under a heading.
_VARIABLES, _BACK_UP, _RESTORE = "Back up and restore", "Back up", "Restore"

Members = dict[ListRef, tuple[set[str], set[str]]]


@dataclass(frozen=True, slots=True)
class Drill:
    """A store's server as a deployment has it, and the page for it."""

    server: Server
    configuration: Path
    page: Page

    def start(self) -> None:
        """Start the server as its host does: in the background, from its configuration."""
        subprocess.run((*self.server.command, "--daemonize", "yes"), check=True)
        wait_until(self._answers, "the server answers")

    def lose_everything(self) -> None:
        """End the server as a power cut would, and remove its directory."""
        self.end()
        shutil.rmtree(self.server.directory)

    def end(self) -> None:
        """End the server without a last save, if it runs."""
        never = Retry(NoBackoff(), 0)
        with suppress(redis.ConnectionError), self.server.client(retry=never) as client:
            client.shutdown(nosave=True, now=True, force=True)

    def _answers(self) -> bool:
        with suppress(redis.RedisError):
            return bool(self.server.command_reply("PING"))
        return False


@pytest.fixture(params=["redis", "valkey"])
def drill(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Drill]:
    kind: Kind = request.param
    # Skips Redis 8 where it has no wheel.
    request.getfixturevalue({"redis": "redis8_server", "valkey": "valkey_server"}[kind])
    port, directory = free_port(), tmp_path / "store"
    directory.mkdir()
    configuration = tmp_path / "redis.conf"
    settings = (_DEPLOY / "redis.conf").read_text()
    configuration.write_text(f"{settings}\nport {port}\nlogfile {tmp_path / 'server.log'}\n")
    command = (server_binary(kind), str(configuration), "--dir", str(directory))
    words = {
        "redis://127.0.0.1:6379/0": f"redis://127.0.0.1:{port}/0",
        "/var/lib/redis": str(directory),
        "/etc/redis/redis.conf": str(configuration),
        # A second is long for a test.
        "sleep 1": "sleep 0.05",
    }
    server = Server(kind, port, directory, command)
    drill = Drill(server, configuration, Page(_DEPLOY / "howto/backup.md", words))
    drill.start()
    yield drill
    drill.end()


def test_backup__restored_after_the_loss_of_everything__has_every_member(
    drill: Drill, tmp_path: Path
) -> None:
    scripts, binary = tmp_path / "scripts", drill.server.command[0]
    scripts.mkdir()
    path = install_commands(tmp_path / "bin", {"redis-server": binary})
    with (
        opened(drill.server) as store,
        running_shell(tmp_path, scripts, {**os.environ, "PATH": path}) as shell,
    ):

        def follow(heading: str) -> None:
            for step in drill.page.steps:
                if step.commands.heading == heading:
                    printed = shell.run(drill.page.for_run(step.commands.text))
                    assert step.output is None or mask(printed) == mask(step.output.text)

        follow(_VARIABLES)
        lists = _fill(store)
        members, keys = _members(store, lists), keys_of(store)
        revoked = store.access_tokens.create(NewToken("old", "reader", "admin"))[0]
        follow(_BACK_UP)
        store.memberships.edit(lists[0], [Edit("i+", "after the copy")])
        store.access_tokens.revoke(revoked.id)
        drill.lose_everything()
        follow(_RESTORE)

        assert _members(store, lists) == members
        assert keys_of(store) >= keys
        assert not store.memberships.look_up(lists[0], ["after the copy"])[0].included
        assert store.access_tokens.get(revoked.id).id == revoked.id


def test_page__copy_beside_an_append_only_file_that_is_on__would_start_empty(
    drill: Drill,
) -> None:
    """What the page warns of, or its detour would be for nothing."""
    with drill.server.client() as client:
        client.set("a", "1")
        client.bgsave()
        wait_until(lambda: not client.info("persistence")["rdb_bgsave_in_progress"], "it is saved")
        assert client.info("persistence")["rdb_last_bgsave_status"] == "ok"
    drill.end()
    shutil.rmtree(drill.server.directory / "appendonlydir")
    assert (drill.server.directory / "dump.rdb").exists()

    drill.start()

    assert drill.server.command_reply("DBSIZE") == 0


def _fill(store: Store) -> list[ListRef]:
    """Lists of all sizes, with members of several forms, and some that are excluded."""
    lists = [new_list(store, f"list-{n}") for n in range(3)]
    for n, ref in enumerate(lists[1:], start=1):
        replace(store, ref, token(), (f"{token()}" for _ in range(n * 2_000)), bits=3 + n)
    store.memberships.edit(lists[0], [Edit("i+", "alice"), Edit("e+", "mallory")])
    store.memberships.edit(lists[2], [Edit("i+", "später"), Edit("e+", "nobody@example.com")])
    return lists


def _members(store: Store, lists: list[ListRef]) -> Members:
    found: Members = {}
    for ref in lists:
        live = store.memberships.state(ref).live
        included, excluded = (members_of(store, ref, live, side) for side in (INCLUDED, EXCLUDED))
        found[ref] = included, excluded
    return found
