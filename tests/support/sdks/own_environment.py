"""An environment of one test, and an SDK key of it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from tests.support.servers.api import TOKEN, Api, new_key


@dataclass(frozen=True, slots=True)
class OwnEnvironment:
    """Flags and segments are changed through it, and SDKs are given its key."""

    client: httpx.Client
    key: str
    sdk_key: str

    @property
    def flag_data(self) -> str:
        """The path of its flags."""
        return f"/api/v2/flag-data/default/{self.key}"

    @property
    def segments(self) -> str:
        """The path of its segments."""
        return f"/api/v2/segments/default/{self.key}"

    def put_flags(self, flags: Mapping[str, Any], **headers: str) -> httpx.Response:
        """Replace its flags."""
        reply = self.client.put(self.flag_data, json={"flags": flags}, headers=headers)
        assert reply.status_code == 200, reply.text
        return reply

    def create_segment(self, key: str, **fields: Any) -> None:
        """Create a segment."""
        reply = self.client.post(self.segments, json={"key": key, "name": key, **fields})
        assert reply.status_code == 201, reply.text

    def include(self, segment: str, *keys: str) -> None:
        """Have a standard segment include users."""
        patch = [{"op": "replace", "path": "/included", "value": list(keys)}]
        reply = self.client.patch(f"{self.segments}/{segment}", json=patch)
        assert reply.status_code == 200, reply.text

    def reset_key(self) -> str:
        """Replace its SDK key, which is not valid any more then."""
        path = f"/api/v2/projects/default/environments/{self.key}/apiKey"
        reply = self.client.post(path)
        assert reply.status_code == 200, reply.text
        key: str = reply.json()["apiKey"]
        return key


@contextmanager
def own_environment(api: Api) -> Iterator[OwnEnvironment]:
    """Create one, and delete it."""
    path = "/api/v2/projects/default/environments"
    with api.client(TOKEN) as client:
        key = new_key("env")
        reply = client.post(path, json={"key": key, "name": key})
        assert reply.status_code == 201, reply.text
        yield OwnEnvironment(client, key, reply.json()["apiKey"])
        assert client.delete(f"{path}/{key}").status_code == 204
