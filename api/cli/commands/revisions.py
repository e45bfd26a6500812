"""``bigseg revisions list|publish``: earlier states of a segment, and going back to one."""

from typing import Annotated, Any

import typer

from api.cli.session.options import SegmentOptions, with_options
from api.cli.session.session import Session
from api.cli.session.tables import Table, moment

_Number = Annotated[int, typer.Argument(metavar="NUMBER", help="The revision's number.", min=0)]
_COLUMNS = (
    "number",
    "live",
    "published",
    "replaced",
    "import",
    "edits",
    "included",
    "excluded",
    "bytes",
)


def register(app: typer.Typer) -> None:
    """Add the commands below ``revisions``."""
    revisions = typer.Typer(
        help="Show earlier states of a segment and go back to one.", no_args_is_help=True
    )
    revisions.command("list")(with_options(_list))
    revisions.command("publish")(with_options(_publish))
    app.add_typer(revisions, name="revisions")


def _list(target: SegmentOptions, session: Session) -> None:
    """List what can be published again: the live revision first, then the last one replaced."""
    with session.open_connection() as connection:
        items = connection.get(f"{target.path}/revisions")["items"]
    table = Table(
        f"Revisions of {target.segment}", _COLUMNS, list(map(_row, items)), frozenset({"import"})
    )
    session.show(items, table)


def _publish(
    number: _Number,
    target: SegmentOptions,
    session: Session,
    *,
    force: Annotated[
        bool, typer.Option("--force", help="Although the live one was edited since.")
    ] = False,
) -> None:
    """Make an earlier revision live again, all at once; the live one is kept in turn."""
    with session.open_connection() as connection:
        reply = connection.post(f"{target.path}/revisions/{number}/publish", {"force": force})
    live = reply.json()
    members = live["included"]
    session.say(
        f"revision {number} of {target.segment} is live: {members:,} member{'s' * (members != 1)}",
        live,
    )


def _row(revision: dict[str, Any]) -> tuple[object, ...]:
    return (
        revision["number"],
        revision["live"],
        moment(revision["publishedAt"]),
        moment(revision["replacedAt"]),
        revision["importId"],
        revision["edits"],
        revision["included"],
        revision["excluded"],
        revision["bytes"],
    )
