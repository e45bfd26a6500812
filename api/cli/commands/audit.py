"""``bigseg audit``: who changed what."""

import time
from typing import Annotated, Any, Final

import typer

from api.cli.arguments.resource_keys import encode_key
from api.cli.arguments.times import parse_time
from api.cli.connection.connection import Connection
from api.cli.errors import UsageError
from api.cli.session.completion import complete_segments
from api.cli.session.options import EnvironmentOptions, with_options
from api.cli.session.session import Session
from api.cli.session.tables import Moment, Table

_PATH: Final = "/api/v2/auditlog"
#: The API gives no more on one page.
_PAGE: Final = 20


def register(app: typer.Typer) -> None:
    """Add the command ``audit``."""
    app.command("audit")(with_options(_audit))


def _audit(
    target: EnvironmentOptions,
    session: Session,
    segment: Annotated[
        str | None,
        typer.Option(
            "--segment", "-s", help="Only this segment's.", autocompletion=complete_segments
        ),
    ] = None,
    limit: Annotated[int, typer.Option(help="The most changes.", min=1, max=10_000)] = 20,
    since: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Only later ones: 2026-01-31, 2026-01-31T12:00Z, or 2h."),
    ] = None,
    *,
    everywhere: Annotated[
        bool, typer.Option("--all", help="Of all projects and of access tokens, too.")
    ] = False,
) -> None:
    """List changes, newest first: when, who, and what."""
    if everywhere and segment:
        raise UsageError("--all and --segment exclude each other")
    parameters: dict[str, str | int] = {}
    if not everywhere:
        env = f"proj/{encode_key(target.project)}:env/{encode_key(target.environment)}"
        parameters["spec"] = f"{env}:segment/{encode_key(segment) if segment else '*'}"
    if since is not None:
        parameters["after"] = parse_time(since, "--since", now_ms=time.time_ns() // 1_000_000)
    with session.open_connection() as connection:
        entries = _read(connection, parameters, limit)
    rows = [(Moment(entry["date"]), _who(entry), entry["shortDescription"]) for entry in entries]
    session.show(entries, Table("Changes", ("time", "by", "what"), rows))


def _read(
    connection: Connection, parameters: dict[str, str | int], limit: int
) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    while len(entries) < limit:
        page_size = min(_PAGE, limit - len(entries))
        older = {"olderThan": entries[-1]["_id"]} if entries else {}
        items = connection.get(_PATH, limit=page_size, **parameters, **older)["items"]
        entries += items
        if len(items) < page_size:
            break
    return entries


def _who(entry: dict[str, Any]) -> str:
    subject = entry.get("subject") or {}
    return str(subject.get("name") or "bigseg")
