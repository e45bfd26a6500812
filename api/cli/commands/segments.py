"""``bigseg segments``: list, show, create and delete segments."""

from typing import Annotated, Any

import typer

from api.cli.options import AsJson, EnvironmentOptions, with_options
from api.cli.terminal import format_time, open_connection, print_json, print_table

Key = Annotated[str, typer.Argument(metavar="KEY", help="Key of the segment.")]


def register(app: typer.Typer) -> None:
    """Add the command group ``segments``."""
    segments = typer.Typer(help="List, show, create and delete segments.", no_args_is_help=True)
    segments.command("list")(with_options(_list))
    segments.command("show")(with_options(_show))
    segments.command("create")(with_options(_create))
    segments.command("delete")(with_options(_delete))
    app.add_typer(segments, name="segments")


def _list(
    target: EnvironmentOptions,
    *,
    as_json: AsJson = False,
) -> None:
    """List the segments of an environment, newest first."""
    with open_connection(as_json=as_json) as connection:
        found = connection.get_all(target.segments_path)
    if as_json:
        print_json(found)
        return
    columns = ("key", "name", "included", "excluded", "importing", "created")
    title = f"Segments of {target.project} / {target.environment}"
    print_table(title, columns, [_row(segment) for segment in found])


def _show(
    segment: Key,
    target: EnvironmentOptions,
    *,
    as_json: AsJson = False,
) -> None:
    """Show one segment."""
    with open_connection(as_json=as_json) as connection:
        found = connection.get(target.segment_path(segment))
    _print(found, as_json=as_json)


def _create(
    segment: Key,
    target: EnvironmentOptions,
    name: Annotated[str | None, typer.Option(help="Its name; the key if unset.")] = None,
    description: Annotated[str | None, typer.Option(help="What it is for.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="A tag; may be repeated.")] = None,
    kind: Annotated[str, typer.Option(help="Kind of its contexts.")] = "user",
    *,
    as_json: AsJson = False,
) -> None:
    """Create a big segment with empty lists."""
    body = {
        "key": segment,
        "name": name or segment,
        "tags": tag or [],
        "unbounded": True,
        "unboundedContextKind": kind,
    }
    if description is not None:
        body["description"] = description
    with open_connection(as_json=as_json) as connection:
        made = connection.post(target.segments_path, body).json()
    _print(made, as_json=as_json)


def _delete(
    segment: Key,
    target: EnvironmentOptions,
    *,
    force: Annotated[
        bool, typer.Option("--force", help="Delete it even if rules of other segments refer to it.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Delete a segment and all its members."""
    with open_connection(as_json=as_json) as connection:
        connection.delete(target.segment_path(segment), force=force)
    if as_json:
        print_json({"deleted": segment})
    else:
        typer.echo(f"segment {segment} is deleted")


def _print(segment: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(segment)
        return
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
        ("created", format_time(segment["creationDate"])),
        ("members changed", format_time(lists["lastModified"]) if lists else None),
    ]
    print_table(f"Segment {segment['key']}", ("field", "value"), rows)


def _row(segment: dict[str, Any]) -> tuple[object, ...]:
    lists = segment.get("_unboundedMetadata", {})
    return (
        segment["key"],
        segment["name"],
        lists.get("includedCount"),
        lists.get("excludedCount"),
        segment.get("_importInProgress", False),
        format_time(segment["creationDate"]),
    )
