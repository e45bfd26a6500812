"""``bigseg projects``: list, show, create and delete projects."""

from typing import Annotated, Any, Final

import typer

from api.cli.arguments.resource_keys import encode_key
from api.cli.session.completion import complete_projects
from api.cli.session.confirmation import Yes, confirm, require_answerable
from api.cli.session.options import with_options
from api.cli.session.session import Session
from api.cli.session.tables import FIELDS, Table

_PATH: Final = "/api/v2/projects"

Key = Annotated[
    str,
    typer.Argument(metavar="KEY", help="Key of the project.", autocompletion=complete_projects),
]
NewKey = Annotated[str, typer.Argument(metavar="KEY", help="Key of the project.")]


def register(app: typer.Typer) -> None:
    """Add the command group ``projects``."""
    projects = typer.Typer(help="List, show, create and delete projects.", no_args_is_help=True)
    projects.command("list")(with_options(_list))
    projects.command("show")(with_options(_show))
    projects.command("create")(with_options(_create))
    projects.command("delete")(with_options(_delete))
    app.add_typer(projects, name="projects")


def _list(session: Session) -> None:
    """List the projects."""
    with session.open_connection() as connection:
        items = connection.get_all(_PATH)
    rows = [(each["key"], each["name"], ", ".join(each["tags"]) or None) for each in items]
    session.show(items, Table("Projects", ("key", "name", "tags"), rows))


def _show(project: Key, session: Session) -> None:
    """Show one project and its environments."""
    with session.open_connection() as connection:
        item = connection.get(f"{_PATH}/{encode_key(project)}")
        environments = connection.get_all(f"{_PATH}/{encode_key(project)}/environments")
    _print(session, {**item, "environments": environments})


def _create(
    project: NewKey,
    session: Session,
    name: Annotated[str | None, typer.Option(help="Its name; the key if unset.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="A tag; may be repeated.")] = None,
) -> None:
    """Create a project with the usual environments."""
    encode_key(project)
    body = {"key": project, "name": name or project, "tags": tag or []}
    with session.open_connection() as connection:
        made = connection.create(_PATH, body)
    _print(session, made)


def _delete(project: Key, session: Session, *, yes: Yes = False) -> None:
    """Delete a project with its environments, segments and members."""
    require_answerable(yes=yes, what="deleting a project")
    path = f"{_PATH}/{encode_key(project)}"
    with session.open_connection() as connection:
        if not yes:
            environments = connection.get_all(f"{path}/environments")
            segments = sum(
                connection.count(f"/api/v2/segments/{encode_key(project)}/{environment['key']}")
                for environment in environments
            )
            size = f"{len(environments):,} environments and {segments:,} segments"
            confirm(f"This deletes project {project} with {size}.", project)
        connection.delete(path)
    session.say(f"project {project} is deleted", {"deleted": project})


def _print(session: Session, project: dict[str, Any]) -> None:
    environments = ", ".join(environment["key"] for environment in project["environments"])
    rows = [
        ("name", project["name"]),
        ("tags", ", ".join(project["tags"]) or None),
        ("environments", environments or None),
    ]
    session.show(project, Table(f"Project {project['key']}", FIELDS, rows))
