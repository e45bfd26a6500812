"""``bigseg environments``: list, show, create and delete environments."""

from typing import Annotated, Any

import typer

from api.cli.arguments.resource_keys import encode_key
from api.cli.commands import environment_sdk_keys
from api.cli.session.completion import complete_environments
from api.cli.session.confirmation import Yes, confirm, require_answerable
from api.cli.session.options import ProjectOptions, with_options
from api.cli.session.session import Session
from api.cli.session.tables import FIELDS, Table

Key = Annotated[
    str,
    typer.Argument(
        metavar="KEY", help="Key of the environment.", autocompletion=complete_environments
    ),
]
NewKey = Annotated[str, typer.Argument(metavar="KEY", help="Key of the environment.")]


def register(app: typer.Typer) -> None:
    """Add the command group ``environments``."""
    environments = typer.Typer(
        help="List, show, create and delete environments.", no_args_is_help=True
    )
    environments.command("list")(with_options(_list))
    environments.command("show")(with_options(_show))
    environments.command("create")(with_options(_create))
    environments.command("delete")(with_options(_delete))
    environment_sdk_keys.register(environments)
    app.add_typer(environments, name="environments")


def _list(target: ProjectOptions, session: Session) -> None:
    """List the environments of a project."""
    with session.open_connection() as connection:
        items = connection.get_all(f"{target.path}/environments")
    rows = [
        (each["key"], each["name"], each["critical"], ", ".join(each["tags"]) or None)
        for each in items
    ]
    title = f"Environments of {target.project}"
    session.show(items, Table(title, ("key", "name", "critical", "tags"), rows))


def _show(environment: Key, target: ProjectOptions, session: Session) -> None:
    """Show one environment."""
    with session.open_connection() as connection:
        item = connection.get(f"{target.path}/environments/{encode_key(environment)}")
    _print(session, item)


def _create(
    environment: NewKey,
    target: ProjectOptions,
    session: Session,
    name: Annotated[str | None, typer.Option(help="Its name; the key if unset.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="A tag; may be repeated.")] = None,
    *,
    critical: Annotated[bool, typer.Option(help="Mark it as critical.")] = False,
) -> None:
    """Create an environment in a project, and print its SDK key this once."""
    encode_key(environment)
    body = {
        "key": environment,
        "name": name or environment,
        "tags": tag or [],
        "critical": critical,
    }
    with session.open_connection() as connection:
        made = connection.create(f"{target.path}/environments", body)
    _print(session, made)


def _delete(
    environment: Key, target: ProjectOptions, session: Session, *, yes: Yes = False
) -> None:
    """Delete an environment with its segments and members."""
    require_answerable(yes=yes, what="deleting an environment")
    key = encode_key(environment)
    with session.open_connection() as connection:
        if not yes:
            segments = connection.count(f"/api/v2/segments/{encode_key(target.project)}/{key}")
            what = f"environment {environment} of {target.project} with {segments:,} segments"
            confirm(f"This deletes {what}.", environment)
        connection.delete(f"{target.path}/environments/{key}")
    session.say(f"environment {environment} is deleted", {"deleted": environment})


def _print(session: Session, environment: dict[str, Any]) -> None:
    rows = [
        ("name", environment["name"]),
        ("critical", environment["critical"]),
        ("tags", ", ".join(environment["tags"]) or None),
        ("SDK key", environment["apiKey"] or None),
    ]
    session.show(environment, Table(f"Environment {environment['key']}", FIELDS, rows))
