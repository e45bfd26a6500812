"""The files in deploy/ agree with the code and with real servers."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic_settings import BaseSettings

from api.local.servers.store import STORE_DIRECTIVES
from api.settings import ApiSettings
from tests.support.servers.redis import Kind, running_server
from worker.settings import WorkerSettings
from worker.store.server.rights import (
    BROKER_OF_API,
    BROKER_OF_BEAT,
    BROKER_OF_WORKER,
    STORE_OF_API,
    STORE_OF_WORKER,
)

_ROOT = Path(__file__).parents[3]
_COMPOSE = yaml.safe_load((_ROOT / "deploy/compose.yaml").read_text())
_SETTINGS: dict[str, type[BaseSettings]] = {
    "api": ApiSettings,
    "worker": WorkerSettings,
    "upkeep": WorkerSettings,
    "beat": WorkerSettings,
}
#: What the drivers send in addition; some of it only to a cluster, or for another database.
_BROKER_DRIVERS = ("MULTI", "DISCARD", "CLIENT SETINFO", "SELECT")
_STORE_DRIVERS = ("CLUSTER SLOTS", "COMMAND")
_PINNED_TAG = re.compile(r":[\w.-]*\d+[.-]\d+[.-]\d+[\w.-]*$")


def _directives() -> dict[str, str]:
    lines = (_ROOT / "deploy/redis.conf").read_text().splitlines()
    pairs = [line.split(maxsplit=1) for line in lines if line and not line.startswith("#")]
    return {name: value.strip('"') for name, value in pairs}


@pytest.mark.parametrize("service", _SETTINGS)
def test_compose__variables_of_a_service__are_settings_with_valid_values(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = _SETTINGS[service]
    variables: dict[str, str] = _COMPOSE["services"][service]["environment"]
    ours = {name: value for name, value in variables.items() if name.startswith("BIGSEG_")}
    fields = {f"BIGSEG_{name.upper()}" for name in settings.model_fields}
    assert ours
    assert set(ours) <= fields
    for name, value in ours.items():
        monkeypatch.setenv(name, str(value))
    settings()


def test_compose__services__are_the_parts_of_the_system() -> None:
    parts = {"store", "broker", "objects", "bucket", *_SETTINGS}
    assert set(_COMPOSE["services"]) == parts
    urls = _COMPOSE["x-settings"]
    assert urls["BIGSEG_REDIS_URL"] != urls["BIGSEG_BROKER_URL"]


def test_compose__images__are_pinned() -> None:
    images = {service["image"] for service in _COMPOSE["services"].values()}
    assert [image for image in images if not _PINNED_TAG.search(image)] == []
    base_images = re.findall(
        r"^FROM (\S+)", (_ROOT / "deploy/Dockerfile").read_text(), re.MULTILINE
    )
    assert [image for image in base_images if not _PINNED_TAG.search(image)] == []


def test_compose__secrets__come_from_the_environment() -> None:
    def secrets(node: Any) -> list[str]:
        if not isinstance(node, dict):
            return []
        found = [v for k, v in node.items() if re.search("TOKEN|SECRET|PASSWORD|KEY_ID", k)]
        return found + [value for child in node.values() for value in secrets(child)]

    assert secrets(_COMPOSE)
    assert all(re.fullmatch(r"\$\{\w+:\?.+\}", value) for value in secrets(_COMPOSE))


def test_compose__healthcheck__is_on_all_but_queue_consumers_and_the_one_shot() -> None:
    without = {
        name
        for name, service in _COMPOSE["services"].items()
        if service.get("healthcheck", {"disable": True}).get("disable")
    }
    assert without == {"bucket", "worker", "upkeep", "beat"}


@pytest.mark.parametrize("kind", ["redis", "valkey"])
def test_redis_conf__real_server__starts_with_every_directive(
    kind: Kind, request: pytest.FixtureRequest
) -> None:
    # Skips Redis 8 where it has no wheel.
    request.getfixturevalue({"redis": "redis8_server", "valkey": "valkey_server"}[kind])
    directives = _directives()
    with running_server(kind, options=directives) as server, server.client() as client:
        for name, value in directives.items():
            # An unknown directive keeps it from starting; Valkey hides one that it knows.
            found = client.config_get(name).get(name, value)
            assert found == {"256mb": str(256 * 1024**2)}.get(value, value)


def test_redis_conf__every_directive__has_its_reason_above() -> None:
    blocks = (_ROOT / "deploy/redis.conf").read_text().strip().split("\n\n")[1:]
    assert blocks
    for block in blocks:
        assert block.startswith("# "), block
        assert not block.splitlines()[-1].startswith("#"), block


def test_redis_conf__directives_of_up__are_the_same() -> None:
    assert STORE_DIRECTIVES.items() <= _directives().items()


def test_acl__users__have_the_rights_that_processes_look_for() -> None:
    kinds = {
        "bigseg-api": (STORE_OF_API, BROKER_OF_API),
        "bigseg-worker": (STORE_OF_WORKER, BROKER_OF_WORKER),
        "bigseg-beat": (BROKER_OF_BEAT,),
    }
    lines = [line for line in (_ROOT / "deploy/store.acl").read_text().splitlines() if line]
    for line, (user, rights) in zip(lines, kinds.items(), strict=True):
        granted = {name for part in rights for name in (*part.needed, *part.optional)}
        granted.update(_BROKER_DRIVERS, () if user == "bigseg-beat" else _STORE_DRIVERS)
        commands = sorted(f"+{name.lower().replace(' ', '|')}" for name in granted)
        words = ("user", user, "on", "resetkeys", "~bigseg:*", "resetchannels", "-@all")
        assert line.split() == [*words, *commands]


def test_rights__commands_of_the_scripts__are_all_looked_for() -> None:
    scripts = (_ROOT / "worker/store/lua").rglob("*.lua")
    called = {
        name.upper() for path in scripts for name in re.findall(r"call\('(\w+)'", path.read_text())
    }
    assert called <= set(STORE_OF_WORKER.needed)


def test_constraints__lines__pin_every_dependency_plainly() -> None:
    lines = (_ROOT / "deploy/constraints.txt").read_text().splitlines()
    assert lines == sorted(lines)
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9][\w.]*", line) for line in lines)
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    named = [*project["dependencies"], *(entry for extra in extras for entry in extra)]
    pinned = {line.partition("==")[0] for line in lines}
    assert {re.split(r"[\[>=<; ]", entry)[0] for entry in named} <= pinned


def test_ci__run__calls_scripts_test() -> None:
    lines = (_ROOT / ".ci/run").read_text().splitlines()
    assert [line for line in lines if not line.startswith("#")] == ["exec scripts/test"]


def test_scripts__each__has_its_line_in_the_readme() -> None:
    readme = (_ROOT / "scripts/README.md").read_text()
    names = {path.name for path in (_ROOT / "scripts").iterdir()} - {"README.md"}
    assert set(re.findall(r"^\| `(\S+?)[ `]", readme, re.MULTILINE)) == names
