"""``bigseg tokens``: create, list and revoke access tokens."""

import re
import time
from enum import StrEnum
from itertools import product
from typing import Annotated, Any, Final
from urllib.parse import quote

import typer

from api.cli.connection import CommandError
from api.cli.options import AsJson
from api.cli.terminal import format_time, open_connection, print_json, print_table

_PATH: Final = "/api/v2/tokens"
_DURATION: Final = re.compile(r"(\d{1,6})([smhdw])")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}

Globs = list[str] | None


class TokenRole(StrEnum):
    """What a token may do."""

    READER = "reader"
    WRITER = "writer"
    ADMIN = "admin"


def register(app: typer.Typer) -> None:
    """Add the command group ``tokens``."""
    tokens = typer.Typer(help="Create, list and revoke access tokens.", no_args_is_help=True)
    tokens.command("create")(_create)
    tokens.command("list")(_list)
    tokens.command("revoke")(_revoke)
    app.add_typer(tokens, name="tokens")


def _create(
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
    *,
    as_json: AsJson = False,
) -> None:
    """Create an access token and print its secret, which cannot be displayed again.

    Without GLOBs it is valid everywhere. In a GLOB, * matches any text and ? any single character.
    """
    body: dict[str, Any] = {"name": name, "role": role.value}
    if project or environment or segment:
        globs = product(project or ["*"], environment or ["*"], segment or ["*"])
        resources = [f"proj/{p}:env/{e}:segment/{s}" for p, e, s in globs]
        body["inlineRole"] = [{"effect": "allow", "actions": ["*"], "resources": resources}]
    with open_connection(as_json=as_json) as connection:
        if expires_in is not None:
            body["expiry"] = int((time.time() + _parse_duration(expires_in)) * 1_000)
        made = connection.post(_PATH, body).json()
    if as_json:
        print_json(made)
        return
    typer.echo(made["token"])
    typer.echo(f"{_describe(made)}; keep the secret: it cannot be displayed again", err=True)


def _list(*, as_json: AsJson = False) -> None:
    """List all access tokens, newest first."""
    with open_connection(as_json=as_json) as connection:
        found = connection.get_all(_PATH)
    if as_json:
        print_json(found)
        return
    columns = ("id", "name", "role", "ends in", "scope", "created", "last used", "expires")
    print_table("Access tokens", columns, [_row(token) for token in found], whole=("id", "role"))


def _revoke(
    token_id: Annotated[str, typer.Argument(metavar="ID", help="Id of the token, as listed.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Revoke an access token; within a second it is refused everywhere."""
    with open_connection(as_json=as_json) as connection:
        connection.delete(f"{_PATH}/{quote(token_id, safe='')}")
    if as_json:
        print_json({"revoked": token_id})
    else:
        typer.echo(f"access token {token_id} is revoked")


def _parse_duration(text: str) -> int:
    found = _DURATION.fullmatch(text.strip().lower())
    if found is None or not int(found[1]):
        raise CommandError(f"--expires-in {text}: write a number and s, m, h, d or w, such as 90d")
    return int(found[1]) * _SECONDS[found[2]]


def _describe(token: dict[str, Any]) -> str:
    text = f"access token {token['_id']}, {_role(token)}"
    return f"{text} until {format_time(token['expiry'])}" if "expiry" in token else text


def _row(token: dict[str, Any]) -> tuple[object, ...]:
    scope = [resource for role in token.get("inlineRole", ()) for resource in role["resources"]]
    return (
        token["_id"],
        token.get("name") or None,
        _role(token),
        token["token"],
        "\n".join(scope) or "everything",
        format_time(token["creationDate"]),
        format_time(token.get("lastUsed")),
        format_time(token.get("expiry")),
    )


def _role(token: dict[str, Any]) -> str:
    """A token with an inline role only is a writer."""
    role: str = token.get("role", "writer")
    return role
