"""``bigseg status``: whether the service is ready, and what it is doing."""

from importlib.metadata import version
from typing import Any, Final

import typer

from api.cli.connection.connection import Connection
from api.cli.errors import CommandError, ExitStatus
from api.cli.session.options import EnvironmentOptions, with_options
from api.cli.session.session import Session
from api.cli.session.tables import FIELDS, Table

_READY_PATH: Final = "/readyz"
_DOCUMENT_PATH: Final = "/openapi.json"


def register(app: typer.Typer) -> None:
    """Add the command ``status``."""
    app.command("status")(with_options(_status))


def _status(target: EnvironmentOptions, session: Session) -> None:
    """Show whether each part answers, the versions, and which segments are importing.

    Health needs no token; versions and imports are shown if there is one. The status is 3 if a
    part does not answer.
    """
    with session.open_connection(needs_token=False) as connection:
        ready, health = connection.get_health(_READY_PATH)
        status: dict[str, Any] = {"url": connection.url, "ready": ready, "parts": health["parts"]}
        status["versions"] = {"cli": version("bigseg")}
        work = _read_work(connection, target, session) if connection.has_token and ready else None
    if work is not None:
        status["versions"]["api"] = work[0]
        status["importing"] = work[1]
    session.show(status, Table("Status", FIELDS, list(_rows(status))))
    if not ready:
        raise typer.Exit(ExitStatus.UNREACHABLE)


def _read_work(
    connection: Connection, target: EnvironmentOptions, session: Session
) -> tuple[str, list[str]] | None:
    """The API's version, and the segments that are importing."""
    try:
        api_version = connection.get(_DOCUMENT_PATH)["info"]["version"]
        segments = connection.get_all(target.segments_path)
    except CommandError as exc:
        session.note(f"the version of the API and its imports cannot be shown: {exc}")
        return None
    importing = [segment["key"] for segment in segments if segment.get("_importInProgress")]
    return str(api_version), importing


def _rows(status: dict[str, Any]) -> list[tuple[object, ...]]:
    parts = [
        (name, "ok" if part["ok"] else part.get("error") or "down")
        for name, part in status["parts"].items()
    ]
    versions = [
        (f"version of the {name.upper()}", each) for name, each in status["versions"].items()
    ]
    rows: list[tuple[object, ...]] = [
        ("address", status["url"]),
        ("ready", status["ready"]),
        *parts,
        *versions,
    ]
    if "importing" in status:
        rows.append(("importing", ", ".join(status["importing"]) or None))
    return rows
