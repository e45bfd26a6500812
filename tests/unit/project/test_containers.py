"""The image, the compose file and the script that tries them, as far as no engine is needed."""

import json
import os
import re
import subprocess
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from api.cli.application import build_app
from tests.support.clients.program import run_program

_ROOT: Final = Path(__file__).parents[3]
_COMPOSE: Final = yaml.safe_load((_ROOT / "deploy/compose.yaml").read_text())
_DOCKERFILE: Final = (_ROOT / "deploy/Dockerfile").read_text()
_SCRIPT: Final = _ROOT / "scripts/containers"
_PUBLISHED: Final = re.compile(r"\$\{BIGSEG_PUBLISH_(\w+):-127\.0\.0\.1:(\d+)\}:(\d+)")
_INSTRUCTION: Final = re.compile(r"^([A-Z]+) ((?:.*\\\n)*.*)$", re.MULTILINE)


def _instructions() -> list[tuple[str, str]]:
    return [(name, text.replace("\\\n", " ")) for name, text in _INSTRUCTION.findall(_DOCKERFILE)]


def _stages() -> list[list[tuple[str, str]]]:
    stages: list[list[tuple[str, str]]] = []
    for name, text in _instructions():
        if name == "FROM":
            stages.append([])
        stages[-1].append((name, text))
    return stages


def test_compose__published_ports__are_the_api_s_and_the_object_store_s_on_the_loopback() -> None:
    services: Mapping[str, Any] = _COMPOSE["services"]
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}

    assert {name: _PUBLISHED.findall(" ".join(ports)) for name, ports in published.items()} == {
        "api": [("API", "8000", "8000")],
        "objects": [("S3", "9000", "9000")],
    }
    assert [len(ports) for ports in published.values()] == [1, 1]
    assert "9000" in _COMPOSE["x-settings"]["BIGSEG_S3_ENDPOINT"]
    assert "8000" in services["api"]["command"]


def test_compose__services_to_wait_for__exist_and_can_be_waited_for() -> None:
    services: Mapping[str, Any] = _COMPOSE["services"]
    for service in services.values():
        for name, awaited in service.get("depends_on", {}).items():
            if awaited["condition"] == "service_healthy":
                assert "test" in services[name]["healthcheck"], name
            else:
                assert awaited == {"condition": "service_completed_successfully"}
                assert "restart" not in services[name], "it would never be over"


def test_compose__files_and_volumes__exist() -> None:
    for service in _COMPOSE["services"].values():
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            if source.startswith("."):
                assert (_ROOT / "deploy" / source).is_file(), source
            else:
                assert source in _COMPOSE["volumes"]
        if "build" in service:
            build = service["build"]
            context = (_ROOT / "deploy" / build["context"]).resolve()
            assert context == _ROOT
            assert (context / build["dockerfile"]).is_file()


@pytest.mark.parametrize("service", ["api", "worker", "upkeep", "beat"])
def test_compose__command_of_a_service__is_one_with_these_options(service: str) -> None:
    command, *arguments = _COMPOSE["services"][service]["command"]

    shown = run_program(command, "--help", env={"COLUMNS": "200"})

    assert shown.exit_code == 0, shown.output
    options = [argument for argument in arguments if argument.startswith("--")]
    assert [option for option in options if option not in shown.output] == []


def test_dockerfile__copied_paths__exist_and_are_let_into_the_build() -> None:
    allowed = (_ROOT / "deploy/Dockerfile.dockerignore").read_text().splitlines()
    assert allowed[0] == "*"
    copied = [
        source
        for name, text in _instructions()
        if name == "COPY" and not text.startswith("--from=")
        for source in text.split()[:-1]
    ]
    assert copied
    for source in copied:
        assert (_ROOT / source).exists(), source
        assert f"!{source}" in allowed


def test_dockerfile__installed__is_every_file_of_the_packages() -> None:
    """What is not code is in the image only if it is named as package data."""
    data = tomllib.loads((_ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    for package, patterns in data["package-data"].items():
        named = {path for pattern in patterns for path in (_ROOT / package).glob(pattern)}
        others = {
            path
            for path in (_ROOT / package).rglob("*")
            if path.is_file() and path.suffix not in {".py", ".md", ".pyc"}
        }
        assert others == {path for path in named if path.is_file()}


def test_dockerfile__process__is_bigseg_without_root_on_the_compose_file_s_port() -> None:
    final = dict(_stages()[-1])
    scripts = tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]["scripts"]

    assert int(final["USER"]) > 0
    assert re.search(rf"useradd .*--uid {final['USER']}\b", final["RUN"])
    assert json.loads(final["ENTRYPOINT"])[0] in scripts
    command, *options = json.loads(final["CMD"])
    assert command in {known.name for known in build_app().registered_commands}
    assert options == ["--host", "0.0.0.0"]  # noqa: S104  # inside the container
    assert final["EXPOSE"] == "8000"


def _run(programs: Path) -> subprocess.CompletedProcess[str]:
    """Run the script where only these programs, and none of Docker or Podman, are on PATH."""
    for name in ("sh", "dirname", "cat", "sed", "grep", "cksum", "tr", "cmp"):
        found = next(
            Path(folder, name)
            for folder in os.environ["PATH"].split(":")
            if Path(folder, name).exists()
        )
        (programs / name).symlink_to(found)
    return subprocess.run(
        [_SCRIPT],
        env={"PATH": str(programs), "HOME": str(programs)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def _fake_docker(programs: Path, *, up: int, info: int = 0) -> Path:
    """An engine that notes what it is asked for; ``up`` ends with a status."""
    asked = programs / "asked"
    docker = programs / "docker"
    docker.write_text(
        f'#!/bin/sh\necho "$*" >>{asked}\n'
        f'case "$*" in info) exit {info} ;; *" up "*) exit {up} ;; esac\n'
    )
    docker.chmod(0o700)
    return asked


@pytest.mark.parametrize("engine", ["none", "without a daemon"])
def test_script__no_engine_answers__says_so_with_status_3(tmp_path: Path, engine: str) -> None:
    if engine != "none":
        _fake_docker(tmp_path, up=0, info=1)

    done = _run(tmp_path)

    assert (done.returncode, done.stdout) == (3, "")
    assert re.fullmatch(r"nothing was built or run: .*docker.*podman.*\n", done.stderr)


def test_script__start_fails__takes_all_down_again(tmp_path: Path) -> None:
    asked = _fake_docker(tmp_path, up=17)

    done = _run(tmp_path)

    assert done.returncode == 17, done.stderr
    project, up, _logs, down = asked.read_text().splitlines()[1:]
    assert project == "compose version"
    assert up.endswith("up --build --detach")
    assert re.search(r"--project-name bigseg-check-\d+ .* down --volumes", down)
