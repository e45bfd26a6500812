"""``bigseg tokens``: create, list and revoke access tokens."""

import time
from enum import StrEnum
from itertools import product
from typing import Annotated, Any, Final

import typer

from api.cli.arguments.durations import parse_duration
from api.cli.arguments.resource_keys import encode_id
from api.cli.session.confirmation import Yes, confirm, require_answerable
from api.cli.session.options import with_options
from api.cli.session.session import Session
from api.cli.session.tables import Moment, Table, moment

_PATH: Final = "/api/v2/tokens"

Globs = list[str] | None


class TokenRole(StrEnum):
    """What a token may do."""

    READER = "reader"
    WRITER = "writer"
    ADMIN = "admin"


def register(app: typer.Typer) -> None:
    """Add the command group ``tokens``."""
    tokens = typer.Typer(help="Create, list and revoke access tokens.", no_args_is_help=True)
    tokens.command("create")(with_options(_create))
    tokens.command("list")(with_options(_list))
    tokens.command("revoke")(with_options(_revoke))
    app.add_typer(tokens, name="tokens")


def _create(
    session: Session,
    name: Annotated[str, typer.Option(help="What it is for.")],
    role: Annotated[
        TokenRole,
        typer.Option(help="What it may do; a writer changes segments, an admin everything."),
    ] = TokenRole.READER,
    project: Annotated[
        Globs, typer.Option(metavar="GLOB", help="Only in these projects; may be repeated.")
    ] = None,
    environment: Annotated[
        Globs, typer.Option(metavar="GLOB", help="Only in these environments; may be repeated.")
    ] = None,
    segment: Annotated[
        Globs, typer.Option(metavar="GLOB", help="Only these segments; may be repeated.")
    ] = None,
    expires_in: Annotated[
        str | None, typer.Option(metavar="TIME", help="How long it is valid, such as 90d or 12h.")
    ] = None,
) -> None:
    """Create an access token and print its secret, which cannot be displayed again.

    Without GLOBs it is valid everywhere. In a GLOB, * matches any text and ? any single character.
    """
    body: dict[str, Any] = {"name": name, "role": role.value}
    if project or environment or segment:
        globs = product(project or ["*"], environment or ["*"], segment or ["*"])
        resources = [f"proj/{p}:env/{e}:segment/{s}" for p, e, s in globs]
        body["inlineRole"] = [{"effect": "allow", "actions": ["*"], "resources": resources}]
    with session.open_connection() as connection:
        if expires_in is not None:
            body["expiry"] = int((time.time() + parse_duration(expires_in, "--expires-in")) * 1_000)
        made = connection.create(_PATH, body)
    if session.as_json:
        session.show(made)
        return
    typer.echo(made["token"])
    session.note(f"{_describe(made)}; keep the secret: it cannot be displayed again")


def _list(session: Session) -> None:
    """List all access tokens, newest first."""
    with session.open_connection() as connection:
        items = connection.get_all(_PATH)
    columns = ("id", "name", "role", "ends in", "scope", "created", "last used", "expires")
    rows = [_row(token) for token in items]
    session.show(items, Table("Access tokens", columns, rows, frozenset({"id", "role"})))


def _revoke(
    token_id: Annotated[str, typer.Argument(metavar="ID", help="Id of the token, as listed.")],
    session: Session,
    *,
    yes: Yes = False,
) -> None:
    """Revoke an access token; within a second it is refused everywhere."""
    require_answerable(yes=yes, what="revoking an access token")
    with session.open_connection() as connection:
        if not yes:
            token = connection.get(f"{_PATH}/{encode_id(token_id)}")
            confirm(f"This revokes {_describe(token)}, {token.get('name') or 'unnamed'}.", token_id)
        connection.delete(f"{_PATH}/{encode_id(token_id)}")
    session.say(f"access token {token_id} is revoked", {"revoked": token_id})


def _describe(token: dict[str, Any]) -> str:
    text = f"access token {token['_id']}, {_role(token)}"
    return f"{text} until {Moment(token['expiry']).format()}" if "expiry" in token else text


def _row(token: dict[str, Any]) -> tuple[object, ...]:
    scope = [resource for role in token.get("inlineRole", ()) for resource in role["resources"]]
    return (
        token["_id"],
        token.get("name") or None,
        _role(token),
        token["token"],
        "\n".join(scope) or "everything",
        moment(token["creationDate"]),
        moment(token.get("lastUsed")),
        moment(token.get("expiry")),
    )


def _role(token: dict[str, Any]) -> str:
    """A token with an inline role only is a writer."""
    role: str = token.get("role", "writer")
    return role
