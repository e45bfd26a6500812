"""``bigseg segments``: list, show, create, update and delete segments."""

from typing import Annotated, Any

import typer

from api.cli.arguments.resource_keys import encode_key
from api.cli.errors import UsageError
from api.cli.jobs.new_segment import DEFAULT_KIND, segment_body
from api.cli.session.completion import complete_segments
from api.cli.session.confirmation import Yes, confirm, require_answerable
from api.cli.session.options import EnvironmentOptions, with_options
from api.cli.session.session import Session
from api.cli.session.tables import FIELDS, Table, moment

Key = Annotated[
    str,
    typer.Argument(metavar="KEY", help="Key of the segment.", autocompletion=complete_segments),
]
NewKey = Annotated[str, typer.Argument(metavar="KEY", help="Key of the segment.")]


def register(app: typer.Typer) -> None:
    """Add the command group ``segments``."""
    segments = typer.Typer(
        help="List, show, create, update and delete segments.", no_args_is_help=True
    )
    segments.command("list")(with_options(_list))
    segments.command("show")(with_options(_show))
    segments.command("create")(with_options(_create))
    segments.command("update")(with_options(_update))
    segments.command("delete")(with_options(_delete))
    app.add_typer(segments, name="segments")


def _list(
    target: EnvironmentOptions,
    session: Session,
) -> None:
    """List the segments of an environment, newest first."""
    with session.open_connection() as connection:
        items = connection.get_all(target.segments_path)
    columns = ("key", "name", "included", "excluded", "importing", "created")
    title = f"Segments of {target.project} / {target.environment}"
    session.show(items, Table(title, columns, [_row(segment) for segment in items]))


def _show(
    segment: Key,
    target: EnvironmentOptions,
    session: Session,
) -> None:
    """Show one segment."""
    with session.open_connection() as connection:
        item = connection.get(target.segment_path(segment))
    _print(session, item)


def _create(
    segment: NewKey,
    target: EnvironmentOptions,
    session: Session,
    name: Annotated[str | None, typer.Option(help="Its name; the key if unset.")] = None,
    description: Annotated[str | None, typer.Option(help="What it is for.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="A tag; may be repeated.")] = None,
    kind: Annotated[str, typer.Option(help="Kind of its contexts.")] = DEFAULT_KIND,
) -> None:
    """Create a big segment with empty lists."""
    encode_key(segment)
    body = segment_body(segment, name, tag, kind)
    if description is not None:
        body["description"] = description
    with session.open_connection() as connection:
        made = connection.create(target.segments_path, body)
    _print(session, made)


def _update(
    segment: Key,
    target: EnvironmentOptions,
    session: Session,
    name: Annotated[str | None, typer.Option(help="Its new name.")] = None,
    description: Annotated[
        str | None, typer.Option(help="Its new description; empty removes it.")
    ] = None,
    tag: Annotated[list[str] | None, typer.Option(help="A tag to add; may be repeated.")] = None,
    untag: Annotated[
        list[str] | None, typer.Option(help="A tag to remove; may be repeated.")
    ] = None,
) -> None:
    """Change a segment's name, description or tags."""
    instructions: list[dict[str, object]] = []
    if name is not None:
        instructions.append({"kind": "updateName", "value": name})
    if description is not None:
        instructions.append({"kind": "updateDescription", "value": description or None})
    if untag:
        instructions.append({"kind": "removeTags", "values": untag})
    if tag:
        instructions.append({"kind": "addTags", "values": tag})
    if not instructions:
        raise UsageError("nothing to change: give --name, --description, --tag or --untag")
    path = target.segment_path(segment)
    with session.open_connection() as connection:
        connection.instruct(path, *instructions)
        item = connection.get(path)
    _print(session, item)


def _delete(
    segment: Key,
    target: EnvironmentOptions,
    session: Session,
    *,
    force: Annotated[
        bool, typer.Option("--force", help="Delete it even if rules of other segments refer to it.")
    ] = False,
    yes: Yes = False,
) -> None:
    """Delete a segment and all its members."""
    require_answerable(yes=yes, what="deleting a segment")
    path = target.segment_path(segment)
    with session.open_connection() as connection:
        if not yes:
            lists = connection.get(path).get("_unboundedMetadata", {})
            members = lists.get("includedCount", 0) + lists.get("excludedCount", 0)
            confirm(f"This deletes segment {segment} with {members:,} members.", segment)
        connection.delete(path, force=force)
    session.say(f"segment {segment} is deleted", {"deleted": segment})


def _print(session: Session, segment: dict[str, Any]) -> None:
    lists = segment.get("_unboundedMetadata", {})
    rows = [
        ("name", segment["name"]),
        ("description", segment.get("description")),
        ("tags", ", ".join(segment["tags"]) or None),
        ("context kind", segment.get("unboundedContextKind")),
        ("generation", segment["generation"]),
        ("included", lists.get("includedCount")),
        ("excluded", lists.get("excludedCount")),
        ("importing", segment.get("_importInProgress", False)),
        ("created", moment(segment["creationDate"])),
        ("members changed", moment(lists["lastModified"]) if lists else None),
    ]
    session.show(segment, Table(f"Segment {segment['key']}", FIELDS, rows))


def _row(segment: dict[str, Any]) -> tuple[object, ...]:
    lists = segment.get("_unboundedMetadata", {})
    return (
        segment["key"],
        segment["name"],
        lists.get("includedCount"),
        lists.get("excludedCount"),
        segment.get("_importInProgress", False),
        moment(segment["creationDate"]),
    )
