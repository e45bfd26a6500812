"""``bigseg sdk-keys``: create, list and revoke the keys with which clients read a datafile."""

from typing import Annotated, Any

import typer

from api.cli.arguments.resource_keys import encode_id, encode_key
from api.cli.errors import CommandError, ExitStatus
from api.cli.session.confirmation import Yes, confirm, require_answerable
from api.cli.session.options import ProjectOptions, with_options
from api.cli.session.session import Session
from api.cli.session.tables import Table, moment


def register(app: typer.Typer) -> None:
    """Add the command group ``sdk-keys``."""
    sdk_keys = typer.Typer(
        help="Create, list and revoke SDK keys, with which clients read a project's datafile.",
        no_args_is_help=True,
    )
    sdk_keys.command("create")(with_options(_create))
    sdk_keys.command("list")(with_options(_list))
    sdk_keys.command("revoke")(with_options(_revoke))
    app.add_typer(sdk_keys, name="sdk-keys")


def _create(
    target: ProjectOptions,
    session: Session,
    flag_environment: Annotated[
        str,
        typer.Option(metavar="NAME", help="The environment of flags that its clients evaluate."),
    ] = "production",
    label: Annotated[str | None, typer.Option(help="What it is for.")] = None,
) -> None:
    """Create an SDK key and print it; it cannot be displayed again."""
    body = {"sdkKeyType": "server", "environment": flag_environment}
    with session.open_connection() as connection:
        made = connection.put(_path(target), body if label is None else {**body, "label": label})
    if session.as_json:
        session.show(made)
        return
    typer.echo(made["keyValue"])
    session.note(f"{_describe(made)}; keep it: it cannot be displayed again")


def _list(target: ProjectOptions, session: Session) -> None:
    """List the SDK keys of a project, newest first."""
    with session.open_connection() as connection:
        items = connection.get(_path(target))["data"]
    columns = ("id", "environment", "label", "begins with", "created")
    rows = [
        (
            key["hashKey"],
            key["environment"],
            key.get("label"),
            key["partialKeyValue"].rstrip("*"),
            moment(key["createdAt"]),
        )
        for key in items
    ]
    title = f"SDK keys of {target.project}"
    session.show(items, Table(title, columns, rows, frozenset({"id"})))


def _revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="Id of the key, as listed.")],
    target: ProjectOptions,
    session: Session,
    *,
    yes: Yes = False,
) -> None:
    """Revoke an SDK key; within a second it is refused everywhere."""
    require_answerable(yes=yes, what="revoking an SDK key")
    with session.open_connection() as connection:
        if not yes:
            found = [
                key for key in connection.get(_path(target))["data"] if key["hashKey"] == key_id
            ]
            if not found:
                message = f"project {target.project} has no SDK key {key_id}"
                raise CommandError(message, ExitStatus.NOT_FOUND)
            confirm(f"This revokes {_describe(found[0])}.", key_id)
        connection.delete(f"{_path(target)}/{encode_id(key_id)}")
    session.say(f"SDK key {key_id} is revoked", {"revoked": key_id})


def _path(target: ProjectOptions) -> str:
    return f"/v1/projects/{encode_key(target.project)}/feature-flags/sdk-keys"


def _describe(key: dict[str, Any]) -> str:
    label = f", {key['label']}," if key.get("label") else ""
    return f"SDK key {key['hashKey']}{label} for the environment {key['environment']}"
