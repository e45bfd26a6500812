"""LaunchDarkly's Terraform provider, request by request: both of its lines in use.

A resource is a configuration and, once it was applied, a state: what the provider read. As in
Terraform, a plan is where the two differ. Names are those of the wire.
Source: read in the provider's code, line 2 at 2.25 to 2.30 and line 3 at 3.0 and 3.1.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Literal

import httpx

from tests.support.clients.terraform_decoding import (
    ACCESS_TOKEN,
    ENVIRONMENT,
    PAGE,
    PROJECT,
    SEGMENT,
    decoded,
)
from tests.support.servers.api import TOKEN, Api
from tests.support.servers.plain_http import NO_ROOTS

Line = Literal[2, 3]
Values = dict[str, Any]

TARGETING: Final = ("included", "excluded", "rules", "includedContexts", "excludedContexts")
_CONTEXTS: Final = ("includedContexts", "excludedContexts")
_VIEWS: Final = ("requireViewAssociationForNewFlags", "requireViewAssociationForNewSegments")
_AVAILABILITY: Final = "defaultClientSideAvailability"
_SETTINGS: Final[Values] = {
    "defaultTtl": 0,
    "secureMode": False,
    "defaultTrackEvents": False,
    "requireComments": False,
    "confirmChanges": False,
    "critical": False,
}
_PROJECTS: Final = "/api/v2/projects"
_TOKENS: Final = "/api/v2/tokens"


def replace(name: str, value: Any) -> Values:
    """Replace a field."""
    return {"op": "replace", "path": f"/{name}", "value": value}


def remove(name: str) -> Values:
    """Remove a field."""
    return {"op": "remove", "path": f"/{name}"}


@contextmanager
def provider(api: Api, line: Line) -> Iterator["Provider"]:
    """Give the provider as it is configured for an API."""
    headers = [
        ("Authorization", TOKEN),
        # The Go client adds the version, and the provider adds it again.
        ("Ld-Api-Version", "20240415"),
        ("Ld-Api-Version", "20240415"),
        ("Accept", "application/json"),
        ("User-Agent", f"launchdarkly-terraform-provider/{line}.0.0"),
    ]
    with httpx.Client(base_url=api.url, headers=headers, timeout=60, verify=NO_ROOTS) as http:
        yield Provider(http, line)


@dataclass(frozen=True, slots=True)
class Provider:
    """One configured provider; each kind of resource is applied, read and destroyed."""

    http: httpx.Client
    line: Line

    def apply_project(self, config: Values, state: Values | None = None) -> Values:
        """Create or update a project and its environments; what is read then is the state."""
        key, environments = config["key"], config["environments"]
        if state is None:
            posts = [{name: one[name] for name in ("key", "name", "color")} for one in environments]
            body = {"name": config["name"], "key": key, "environments": posts}
            self._send("POST", _PROJECTS, 201, {}, json=body)
        project = f"{_PROJECTS}/{key}"
        self._send("PATCH", project, 200, {}, json=self._project_patch(config))
        views = [replace(name, config.get(name, False)) for name in _VIEWS]
        if self.line == 3 and (
            state is None or any(state[one["path"][1:]] != one["value"] for one in views)
        ):
            self._send("PATCH", project, 200, {}, json=views)
        self._send("GET", project, 200, PROJECT)
        known = [one["key"] for one in self._environments(key)]
        for one in environments:
            if one["key"] not in known:
                post = {name: one[name] for name in ("key", "name", "color")}
                self._send("POST", f"{project}/environments", 201, ENVIRONMENT, json=post)
            self.patch_environment(key, one)
        for gone in _keys((state or {}).get("environments", ())) - _keys(environments):
            self._send("DELETE", f"{project}/environments/{gone}", 204, {})
        return self.read_project(key, environments)

    def _project_patch(self, config: Values) -> list[Values]:
        patch = [replace("name", config["name"]), replace("tags", sorted(config.get("tags", ())))]
        if _AVAILABILITY in config:
            patch.append(replace(_AVAILABILITY, config[_AVAILABILITY]))
        elif self.line == 2:  # the older attribute, which is sent as the newer one, too
            by_id = config.get("includeInSnippetByDefault", False)
            value = {"usingEnvironmentId": by_id, "usingMobileKey": True}
            patch.append(replace(_AVAILABILITY, value))
        return patch

    def patch_environment(self, project: str, one: Values, *more: Values) -> None:
        """Set all of an environment, as every update does."""
        fields = _SETTINGS | one | {"tags": sorted(one.get("tags", ()))}
        patch = [replace(name, value) for name, value in fields.items() if name != "key"]
        path = f"{_PROJECTS}/{project}/environments/{one['key']}"
        self._send("PATCH", path, 200, ENVIRONMENT, json=[*patch, *more])

    def read_project(self, key: str, environments: Sequence[Values] = ()) -> Values:
        """Read a project; an import, which knows none of its environments, takes their order."""
        shown = self._send("GET", f"{_PROJECTS}/{key}", 200, PROJECT)
        found = {one["key"]: _environment_state(one) for one in self._environments(key)}
        order = [one["key"] for one in environments] or list(found)
        raw = self._send("GET", f"{_PROJECTS}/{key}", 200, {})  # for the settings of views
        return {
            "key": shown["key"],
            "name": shown["name"],
            "tags": sorted(shown["tags"]),
            "includeInSnippetByDefault": shown["includeInSnippetByDefault"],
            _AVAILABILITY: shown[_AVAILABILITY],
            **{name: raw.get(name, False) for name in _VIEWS},
            "environments": [found[one] for one in order],
        }

    def apply_segment(self, place: str, config: Values, state: Values | None = None) -> Values:
        """Create or update a segment.

        Args:
            place: project and environment, joined by a slash.
            config: the segment.
            state: what was read last.
        """
        project, _, environment = place.partition("/")
        path = f"/api/v2/segments/{place}"
        if state is None:
            self._place_is_there(project, environment)
            shell = {name: config.get(name, "") for name in ("name", "key", "description")}
            shell |= {
                "tags": sorted(config.get("tags", ())),
                "unbounded": config.get("unbounded", False),
                "unboundedContextKind": config.get("unboundedContextKind", ""),
            }
            self._send("POST", path, 201, SEGMENT, json=shell)
        patch = self._segment_patch(config, state)
        if patch:
            body = {"comment": "Terraform", "patch": patch}
            self._send("PATCH", f"{path}/{config['key']}", 200, SEGMENT, json=body)
        return self.read_segment(place, config["key"])

    def _segment_patch(self, config: Values, state: Values | None) -> list[Values]:
        targets = {name: config.get(name, []) for name in TARGETING}
        if self.line == 3 and state is None:
            return [replace(name, value) for name, value in targets.items() if value]
        words = [
            replace("name", config["name"]),
            replace("description", config.get("description", "")),
        ]
        if self.line == 2:
            words.append(replace("temporary", "temporary"))
            # Made with room for the real ones, which are then appended.
            targets |= {one: [{}] * len(targets[one]) + targets[one] for one in _CONTEXTS}
        tags = sorted(config.get("tags", ()))
        dropped = state is not None and state["tags"] and not tags
        tagging = remove("tags") if dropped else replace("tags", tags)
        return [*words, *(replace(name, value) for name, value in targets.items()), tagging]

    def read_segment(self, place: str, key: str) -> Values:
        """Read a segment with all that the provider reads beside it."""
        project, _, environment = place.partition("/")
        path = f"{_PROJECTS}/{project}/environments/{environment}"
        shown = self._send("GET", f"/api/v2/segments/{place}/{key}", 200, SEGMENT)
        environment_id = self._send("GET", path, 200, ENVIRONMENT)["_id"]
        views = self._send(
            "GET",
            f"{_PROJECTS}/{project}/view-associations/segments/{key}",
            200,
            PAGE,
            params={"environmentId": environment_id, "limit": 100, "offset": 0},
            headers={"LD-API-Version": "beta"},
        )
        rules = [_without_ids(one) for one in shown["rules"]]
        return {
            **{name: shown[name] for name in ("key", "name", "creationDate")},
            "description": shown.get("description", ""),
            "tags": sorted(shown["tags"]),
            "unbounded": shown.get("unbounded", False),
            "unboundedContextKind": shown.get("unboundedContextKind", ""),
            **{name: shown.get(name) or [] for name in TARGETING},
            "rules": [one | {"clauses": [*map(_without_ids, one["clauses"])]} for one in rules],
            "viewKeys": [one["key"] for one in views["items"]],
        }

    def apply_token(self, config: Values, state: Values | None = None) -> Values:
        """Create or update an access token; the state has its secret, ``token``."""
        if state is None:
            body = {"serviceToken": False} | config
            made = self._send("POST", _TOKENS, 201, ACCESS_TOKEN, json=body)
            return self.read_token(made["_id"]) | {"token": made["token"]}
        changed = [one for one in ("role", "inlineRole") if config.get(one) != state.get(one)]
        patch = [
            replace("name", config["name"]),
            *(replace(one, config[one]) if config.get(one) else remove(one) for one in changed),
        ]
        self._send("PATCH", f"{_TOKENS}/{state['id']}", 200, ACCESS_TOKEN, json=patch)
        return self.read_token(state["id"]) | {"token": state["token"]}

    def read_token(self, token_id: str) -> Values:
        """Read an access token."""
        shown = self._send("GET", f"{_TOKENS}/{token_id}", 200, ACCESS_TOKEN)
        # "All values must be known": an attribute that is computed has one after an apply.
        state = {"id": shown["_id"], "defaultApiVersion": shown["defaultApiVersion"]}
        names = ("name", "role", "inlineRole", "serviceToken")
        return state | {name: shown[name] for name in names if shown.get(name)}

    def destroy(self, path: str) -> None:
        """Delete a resource; reading it then says that it is gone."""
        self._send("DELETE", path, 204, {})
        assert self.http.get(path).status_code == 404

    def _place_is_there(self, project: str, environment: str) -> None:
        path = f"{_PROJECTS}/{project}"
        plan = self._send("GET", path, 200, {})
        assert not plan.get(_VIEWS[1]), "view_keys would have to be set"
        self._send("GET", path, 200, PROJECT)
        self._send("GET", f"{path}/environments/{environment}", 200, ENVIRONMENT)

    def _environments(self, project: str) -> list[Values]:
        found: list[Values] = []
        while True:
            page = self._send(
                "GET",
                f"{_PROJECTS}/{project}/environments",
                200,
                PAGE,
                params={"limit": 20, "offset": len(found)},
            )
            found += page["items"]
            if len(found) >= page["totalCount"]:
                return found

    def _send(
        self, method: str, path: str, status: int, required: Mapping[str, type], **request: Any
    ) -> Values:
        return decoded(self.http.request(method, path, **request), status, required)


def plan(config: Values, state: Values, optional: Sequence[str] = ()) -> list[str]:
    """Where a state is not what its configuration says; nothing if nothing has to be done.

    Args:
        config: what is wanted.
        state: what was read.
        optional: attributes that are not computed: one that is not configured must not be
            there.
    """
    wrong = [name for name, value in config.items() if _exact(state.get(name)) != _exact(value)]
    return wrong + [one for one in optional if one not in config and state.get(one)]


def _environment_state(shown: Values) -> Values:
    names = ("key", "name", "color", *_SETTINGS)
    return {name: shown[name] for name in names} | {"tags": sorted(shown["tags"])}


def _keys(environments: Sequence[Values]) -> set[str]:
    return {one["key"] for one in environments}


def _without_ids(part: Values) -> Values:
    return {name: value for name, value in part.items() if name != "_id"}


def _exact(value: Any) -> str:
    """Python calls 1, 1.0 and true equal; a state does not."""
    if isinstance(value, dict):
        return repr(sorted((name, _exact(one)) for name, one in value.items()))
    return repr([_exact(one) for one in value]) if isinstance(value, list) else repr(value)
