"""The settings of flags: entities and environments, and what there is in the project."""

from typing import Any, Final

import httpx
import pytest

from tests.support.servers.vercel import assert_error
from tests.support.vercel.projects import OwnProject, is_in, new_segment

_USER: Final[dict[str, Any]] = {
    "kind": "user",
    "label": "User",
    "attributes": [
        {"key": "id", "type": "string"},
        {
            "key": "plan",
            "type": "string",
            "labels": [{"value": "pro", "label": "Pro"}, {"value": "", "label": ""}],
        },
    ],
}


def test_settings__never_changed__are_those_of_every_project(
    vercel: httpx.Client, project: OwnProject
) -> None:
    found = vercel.get(f"/v9/projects/{project.key}").json()
    reply = vercel.get(project.settings, params={"teamId": "team_1"})

    assert reply.json() == {
        "projectId": found["id"],
        "typeName": "settings",
        "enabled": True,
        "entities": [],
        "environments": ["production", "preview", "development"],
        "metadata": {
            "activeFlagCount": 0,
            "archivedFlagCount": 0,
            "segmentCount": 0,
            "packSizeInBytes": len('"definitions":{},"segments":{}'),
            "packRevision": 0,
            "configUpdatedAt": found["createdAt"],
        },
    }


def test_settings__changed__keep_what_is_left_out(
    vercel: httpx.Client, project: OwnProject
) -> None:
    first = vercel.patch(project.settings, json={"entities": [_USER], "unknown": 1})
    assert first.status_code == 200, first.text
    assert first.json()["entities"] == [_USER]
    second = vercel.patch(project.settings, json={"environments": ["p"], "enabled": False})

    found = vercel.get(project.settings).json()
    assert found == second.json()
    assert (found["entities"], found["environments"]) == ([_USER], ["p"])
    assert found["enabled"] is False
    assert found["createdAt"] == first.json()["createdAt"] <= found["updatedAt"]


def test_settings__of_a_project__count_what_is_in_it(
    vercel: httpx.Client, project: OwnProject
) -> None:
    new_segment(vercel, project, "beta", {})
    vercel.put(project.definitions, json={"a": is_in("beta"), "b": is_in("beta")})

    totals = vercel.get(project.settings).json()["metadata"]
    assert (totals["activeFlagCount"], totals["segmentCount"]) == (2, 1)
    assert totals["packRevision"] == 2
    assert totals["packSizeInBytes"] > 100


def _entity(**fields: Any) -> dict[str, Any]:
    return {**_USER, **fields}


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"enabled": "yes"}, "enabled"),
        ({"entities": {}}, "entities"),
        ({"entities": [_USER] * 33}, "entities"),
        ({"entities": [{"kind": "user"}]}, "entities[0].label"),
        ({"entities": [_entity(kind="")]}, "entities[0].kind"),
        ({"entities": [_entity(kind="x" * 129)]}, "entities[0].kind"),
        ({"entities": [_entity(label=1)]}, "entities[0].label"),
        (
            {"entities": [_entity(attributes=[_USER["attributes"][0]] * 33)]},
            "entities[0].attributes",
        ),
        (
            {"entities": [_entity(attributes=[{"key": "a"}])]},
            "entities[0].attributes[0].type",
        ),
        (
            {
                "entities": [
                    _entity(
                        attributes=[
                            {
                                "key": "a",
                                "type": "string",
                                "labels": [{"value": "v", "label": "l"}] * 129,
                            }
                        ]
                    )
                ]
            },
            "entities[0].attributes[0].labels",
        ),
        ({"environments": [""]}, "environments[0]"),
        ({"environments": "p"}, "environments"),
    ],
)
def test_settings__wrong_somewhere__are_refused_with_the_place(
    vercel: httpx.Client, project: OwnProject, body: Any, place: str
) -> None:
    error = assert_error(vercel.patch(project.settings, json=body), 400, "bad_request")
    assert error["message"].startswith(f"{place}: "), error["message"]
    assert "createdAt" not in vercel.get(project.settings).json()


def test_settings__changed__are_in_the_audit_log_and_make_no_other_datafile(
    vercel: httpx.Client, project: OwnProject
) -> None:
    before = vercel.get(project.settings).json()["metadata"]
    vercel.patch(project.settings, json={"entities": [_USER]})
    assert vercel.get(project.settings).json()["metadata"] == before
    spec = {"spec": f"proj/{project.key}", "limit": "1"}
    entry = vercel.get("/api/v2/auditlog", params=spec).json()["items"][0]
    assert entry["titleVerb"] == "updated the flag settings of"
