"""Entries of the audit log as LaunchDarkly's clients see them.

Source: the models ``AuditLogEntryListingRep``, ``AuditLogEntryRep`` and ``CountBucketsResult``
of its Python client. There are no members, so an entry has a token and no member; ``delta``
is left out, because patches hold context keys.
"""

import json
from typing import Annotated, Any, Final, get_args

from pydantic import Field

from api.bodies.models import Int32, Int64, WireModel
from api.launchdarkly.wire.links import (
    PREFIX,
    Links,
    SegmentPath,
    environments_path,
    link,
    opaque_id,
    project_path,
    segments_path,
)
from worker.store import (
    AuditEntry,
    EnvironmentRef,
    Kind,
    environment_resource,
    project_resource,
)

AUDIT_LOG: Final = f"{PREFIX}/auditlog"
#: An entry is stored as text; another release may know more kinds.
KindName = Annotated[str, Field(json_schema_extra={"enum": list(get_args(Kind))})]
#: Fields that change with every write, which a description leaves out.
_UNDESCRIBED: Final = frozenset({"version"})


class ResourceAccess(WireModel):
    """One action on one resource."""

    action: str
    resource: str


class SubjectData(WireModel):
    """Who made a change."""

    name: str


class TokenSummary(WireModel):
    """The access token that made a change."""

    id: str = Field(alias="_id")
    name: str


class TargetResource(WireModel):
    """What was changed."""

    links: Links | None = Field(None, alias="_links")
    name: str
    resources: list[str]


class ParentResource(WireModel):
    """What contains the resource that was changed."""

    links: Links = Field(alias="_links")
    name: str
    resource: str


class AuditLogEntry(WireModel):
    """An entry of the audit log, as lists show it."""

    links: Links = Field(alias="_links")
    id: str = Field(alias="_id")
    account_id: str = Field(alias="_accountId")
    date: Int64
    accesses: list[ResourceAccess]
    kind: KindName
    name: str
    description: str
    short_description: str
    comment: str | None = None
    subject: SubjectData
    token: TokenSummary | None = None
    title_verb: str
    title: str
    target: TargetResource
    parent: ParentResource | None = None
    truncated: bool | None = None
    """Whether long texts or lists of the entry are cut; bigseg's own field."""


class AuditLogEntryDetail(AuditLogEntry):
    """An entry of the audit log, with the resource before and after."""

    previous_version: dict[str, Any] | None = None
    current_version: dict[str, Any] | None = None


class AuditLogPage(WireModel):
    """Entries, newest first."""

    items: list[AuditLogEntry]
    links: Links = Field(alias="_links")


class CountBucket(WireModel):
    """The number of entries in one interval."""

    timestamp: Int64
    count: Int32


class AuditLogCounts(WireModel):
    """The numbers of entries over time."""

    buckets: list[CountBucket]
    total_count: Int32
    bucket_interval_ms: Int64


def account_id(key_prefix: str) -> str:
    """The account's opaque id; each store is one account."""
    return opaque_id(f"account {key_prefix}")


def represent_in_list(entry: AuditEntry, account: str) -> AuditLogEntry:
    """An entry as lists show it."""
    return AuditLogEntry.model_validate(_fields(entry, account))


def represent_entry(entry: AuditEntry, account: str) -> AuditLogEntryDetail:
    """An entry with summaries of the resource before and after."""
    change = entry.change
    versions = {"previousVersion": change.before, "currentVersion": change.after}
    return AuditLogEntryDetail.model_validate(_fields(entry, account) | versions)


def _fields(entry: AuditEntry, account: str) -> dict[str, Any]:
    change = entry.change
    target, parent = _locate(change.resource)
    links = {"self": link(f"{AUDIT_LOG}/{entry.id}"), "parent": link(AUDIT_LOG)}
    return {
        "_links": links | target,
        "_id": entry.id,
        "_accountId": account,
        "date": entry.position.at_ms,
        "accesses": [{"action": action, "resource": change.resource} for action in change.actions],
        "kind": change.kind,
        "name": change.name,
        "description": _describe(entry),
        "shortDescription": f"{change.verb} {change.name}",
        "comment": change.comment,
        "subject": {"name": change.actor},
        "token": {"_id": change.token_id, "name": change.actor} if change.token_id else None,
        "titleVerb": change.verb,
        "title": f"{change.actor} {change.verb} {change.name}",
        "target": {"_links": target or None, "name": change.name, "resources": [change.resource]},
        "parent": parent,
        "truncated": entry.change.truncated or None,
    }


def _describe(entry: AuditEntry) -> str:
    """A line for each field that was added or changed."""
    before, after = entry.change.before or {}, entry.change.after or {}
    lines = []
    for name, value in after.items():
        old = before.get(name)
        if value != old and name not in _UNDESCRIBED:
            was = f"{_text(old)} → " if name in before else ""
            lines.append(f"- {name}: {was}{_text(value)}")
    if entry.change.truncated:
        lines.append("- long texts and lists of this entry are cut")
    return "\n".join(lines)


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _locate(resource: str) -> tuple[Links, dict[str, Any] | None]:
    """Links to a resource, and its parent."""
    match [part.split("/", 1) for part in resource.split(":")]:
        case [["proj", project]]:
            return {"canonical": link(project_path(project))}, None
        case [["proj", project], ["env", environment]]:
            parent = {
                "_links": {"self": link(project_path(project))},
                "name": project,
                "resource": project_resource(project),
            }
            return {"canonical": link(f"{environments_path(project)}/{environment}")}, parent
        case [["proj", project], ["env", environment], ["segment", segment]]:
            env = EnvironmentRef(project, environment)
            path = SegmentPath(project, environment, segment)
            parent = {
                "_links": {
                    "self": link(f"{environments_path(project)}/{environment}"),
                    "segments": link(segments_path(env)),
                },
                "name": environment,
                "resource": environment_resource(env),
            }
            links = {"canonical": link(path.href), "site": link(path.site, "text/html")}
            return links, parent
        case _:
            return {}, None
