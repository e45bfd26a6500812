"""``bigseg segments``: list, show, create and delete segments."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer

from api.cli.terminal import (
    AsJson,
    Environment,
    Project,
    command,
    place_of,
    show_json,
    show_table,
)

_PAGE: Final = 200

Key = Annotated[str, typer.Argument(metavar="KEY", help="Key of the segment.")]


def register(app: typer.Typer) -> None:
    """Add the command group ``segments``."""
    segments = typer.Typer(help="List, show, create and delete segments.", no_args_is_help=True)
    segments.command("list")(_list)
    segments.command("show")(_show)
    segments.command("create")(_create)
    segments.command("delete")(_delete)
    app.add_typer(segments, name="segments")


def _list(
    project: Project = "default",
    environment: Environment = "production",
    *,
    as_json: AsJson = False,
) -> None:
    """List the segments of an environment, newest first."""
    path = place_of("", project, environment).list_path
    found: list[dict[str, Any]] = []
    with command(as_json=as_json) as connection:
        while True:
            page = connection.get(path, limit=_PAGE, offset=len(found))
            found += page["items"]
            if not page["items"] or len(found) >= page["totalCount"]:
                break
    if as_json:
        show_json(found)
        return
    columns = ("key", "name", "included", "excluded", "importing", "created")
    show_table(f"Segments of {project} / {environment}", columns, [_row(one) for one in found])


def _show(
    segment: Key,
    project: Project = "default",
    environment: Environment = "production",
    *,
    as_json: AsJson = False,
) -> None:
    """Show one segment."""
    with command(as_json=as_json) as connection:
        found = connection.get(place_of(segment, project, environment).path)
    _print(found, as_json=as_json)


def _create(
    segment: Key,
    project: Project = "default",
    environment: Environment = "production",
    name: Annotated[str | None, typer.Option(help="Its name; the key if unset.")] = None,
    description: Annotated[str | None, typer.Option(help="What it is for.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="A tag; may be given again.")] = None,
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
    with command(as_json=as_json) as connection:
        made = connection.post(place_of("", project, environment).list_path, body).json()
    _print(made, as_json=as_json)


def _delete(
    segment: Key,
    project: Project = "default",
    environment: Environment = "production",
    *,
    force: Annotated[
        bool, typer.Option("--force", help="Delete it although rules of others refer to it.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Delete a segment and all its members."""
    with command(as_json=as_json) as connection:
        path = place_of(segment, project, environment).path
        connection.delete(path, force=force)
    if as_json:
        show_json({"deleted": segment})
    else:
        typer.echo(f"segment {segment} is deleted")


def _print(segment: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show_json(segment)
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
        ("created", _date(segment["creationDate"])),
        ("members changed", _date(lists["lastModified"]) if lists else None),
    ]
    show_table(f"Segment {segment['key']}", ("field", "value"), rows)


def _row(segment: dict[str, Any]) -> tuple[object, ...]:
    lists = segment.get("_unboundedMetadata", {})
    return (
        segment["key"],
        segment["name"],
        lists.get("includedCount"),
        lists.get("excludedCount"),
        segment.get("_importInProgress", False),
        _date(segment["creationDate"]),
    )


def _date(unix_ms: int) -> str:
    return datetime.fromtimestamp(unix_ms / 1_000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
