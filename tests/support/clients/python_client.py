"""LaunchDarkly's own Python client, unmodified, pointed at the API under test."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from launchdarkly_api import ApiClient, Configuration, PatchWithComment

from tests.support.servers.api import TOKEN, Api

PROJECT: Final = "default"
ENVIRONMENT: Final = "production"
SEMANTIC: Final = "application/json; domain-model=launchdarkly.semanticpatch"


def specifier(place: tuple[str, str, str]) -> str:
    """Give a segment's resource specifier: of project, environment and segment key."""
    return f"proj/{place[0]}:env/{place[1]}:segment/{place[2]}"


@contextmanager
def python_client(api: Api, token: str = TOKEN) -> Iterator[ApiClient]:
    """Give the client as its documentation says: the bare token as an API key."""
    configuration = Configuration(host=api.url, api_key={"ApiKey": token})
    with ApiClient(configuration) as client:
        yield client


def json_patch(*operations: dict[str, Any], comment: str | None = None) -> PatchWithComment:
    """Give a JSON patch as the client sends it."""
    body = PatchWithComment.from_dict({"patch": list(operations), "comment": comment})
    assert body is not None
    return body


class _OwnBody(PatchWithComment):
    """A body that the client's model has no place for; it sends what this gives."""

    def to_dict(self) -> dict[str, Any]:
        whole: dict[str, Any] = json.loads(self.comment or "{}")
        return whole


def semantic_patch(*instructions: dict[str, Any]) -> PatchWithComment:
    """Give a semantic patch; send it with ``_content_type=SEMANTIC``."""
    return merge_patch({"environmentKey": ENVIRONMENT, "instructions": list(instructions)})


def merge_patch(body: dict[str, Any]) -> PatchWithComment:
    """Give a merge patch, bare or in its wrapper."""
    return _OwnBody(patch=[], comment=json.dumps(body))


def as_sent(reply: Any) -> dict[str, Any]:
    """Give a body as it was on the wire, past the client's models."""
    body: dict[str, Any] = json.loads(reply.raw_data)
    return body
