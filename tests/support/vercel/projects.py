"""Projects of their own for tests of Vercel's dialect, made as people make them."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

_PROJECTS = "/api/v2/projects"


@dataclass(frozen=True, slots=True)
class OwnProject:
    """A project that no other test uses."""

    key: str

    @property
    def path(self) -> str:
        """Where its flags are."""
        return f"/v1/projects/{self.key}/feature-flags"

    @property
    def segments(self) -> str:
        return f"{self.path}/segments"

    @property
    def sdk_keys(self) -> str:
        return f"{self.path}/sdk-keys"

    @property
    def definitions(self) -> str:
        return f"{self.path}/datafile/definitions"

    @property
    def settings(self) -> str:
        return f"{self.path}/settings"


def create_project(client: httpx.Client, key: str | None = None) -> OwnProject:
    """Create a project."""
    project = OwnProject(key or f"project-{secrets.token_hex(6)}")
    reply = client.post(_PROJECTS, json={"key": project.key, "name": "A project"})
    assert reply.status_code == 201, reply.text
    return project


def delete_project(client: httpx.Client, project: OwnProject) -> None:
    """Delete a project."""
    reply = client.delete(f"{_PROJECTS}/{project.key}")
    assert reply.status_code == 204, reply.text


@contextmanager
def own_project(client: httpx.Client) -> Iterator[OwnProject]:
    """Give a project that is gone at the end."""
    project = create_project(client)
    yield project
    delete_project(client, project)


def new_segment(client: httpx.Client, project: OwnProject, slug: str, data: Any) -> str:
    """Create a segment; give its id."""
    body = {"slug": slug, "label": slug, "hint": "", "data": data}
    reply = client.put(project.segments, json=body)
    assert reply.status_code == 201, reply.text
    return str(reply.json()["id"])


def new_sdk_key(client: httpx.Client, project: OwnProject, environment: str = "p") -> Any:
    """Create an SDK key; give the answer."""
    body = {"sdkKeyType": "server", "environment": environment}
    reply = client.put(project.sdk_keys, json=body)
    assert reply.status_code == 200, reply.text
    return reply.json()


def is_in(segment: str, *, seed: int = 0) -> dict[str, Any]:
    """Give the definition of a flag that is true in a segment, in the environment ``p``."""
    rules = [{"conditions": [["segment", "eq", segment]], "outcome": 1}]
    environments = {"p": {"rules": rules, "fallthrough": 0}}
    return {"variants": [False, True], "seed": seed, "environments": environments}
