"""``bigseg erase`` and ``bigseg erasures``: erase a context key, and the receipts."""

import time
from collections.abc import Callable
from typing import Annotated, Any, Final

import typer

from api.cli.arguments.resource_keys import encode_key
from api.cli.connection.connection import Connection
from api.cli.errors import CommandError
from api.cli.session.confirmation import Yes, confirm, require_answerable
from api.cli.session.options import EnvironmentOptions, with_options
from api.cli.session.session import Session
from api.cli.session.tables import FIELDS, Table, moment

_COLUMNS: Final = ("id", "kind", "key hash", "status", "started", "completed", "started by")
#: What a receipt counts, in words for people.
_COUNTS: Final = (
    ("lists looked through", "lists"),
    ("segments that had it", "segments"),
    ("included members", "included"),
    ("excluded members", "excluded"),
    ("earlier revisions", "revisions"),
    ("scheduled removals", "schedules"),
    ("targets", "targets"),
    ("imports at work", "imports"),
    ("previews", "previews"),
    ("exports deleted", "exports"),
    ("exports left at destinations", "undeletedExports"),
    ("files of rejected rows", "rejectedRows"),
    ("uploads", "uploads"),
)
#: Of these, what is known to have had the key.
_HOLDERS: Final = ("segments", "targets", "previews")
#: What a receipt names beside its count.
_NAMES: Final = {"segments": "segmentKeys", "undeletedExports": "undeletedExportIds"}
_FIRST_PAUSE_S: Final = 0.05
_LONGEST_PAUSE_S: Final = 1.0


def register(app: typer.Typer) -> None:
    """Add ``erase`` and the command group ``erasures``."""
    app.command("erase")(with_options(_erase))
    erasures = typer.Typer(help="Show what was erased.", no_args_is_help=True)
    erasures.command("list")(with_options(_list))
    erasures.command("show")(with_options(_show))
    app.add_typer(erasures, name="erasures")


def _erase(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="Context kind, such as `user`.")],
    key: Annotated[str, typer.Argument(metavar="KEY", help="Context key.")],
    target: EnvironmentOptions,
    session: Session,
    *,
    wait: Annotated[bool, typer.Option(help="Wait until nothing has the key any more.")] = True,
    yes: Yes = False,
) -> None:
    """Erase a context key from everything that an environment has, and print the receipt."""
    require_answerable(yes=yes, what="erasing a key")
    if not yes:
        where = f"{target.environment} of {target.project}"
        confirm(f"This erases a {kind} from {where}, and deletes files that may have it.", key)
    collection = f"{target.path_of_environment}/erasures"
    with session.open_connection() as connection:
        erasure = connection.post(collection, {"kind": kind, "key": key}).json()
        if wait:
            erasure = _wait_for(connection, f"{collection}/{erasure['id']}", session)
    _print(session, erasure)
    touched = erasure.get("touched")
    if touched is not None and not any(touched[name] for name in _HOLDERS):
        session.note(f"nothing of kind {kind} was seen to have the key: check how both are spelled")


def _wait_for(
    connection: Connection,
    path: str,
    session: Session,
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, Any]:
    pause_s, told = _FIRST_PAUSE_S, False
    try:
        while True:
            erasure: dict[str, Any] = connection.get(path)
            if erasure["status"] == "complete":
                return erasure
            if erasure["waitsFor"] and not told:
                told = True
                session.note(f"waiting for {', '.join(erasure['waitsFor'][:3])} to end")
            sleep(pause_s)
            pause_s = min(_LONGEST_PAUSE_S, pause_s * 1.5)
    except KeyboardInterrupt:
        message = f"the erasure goes on: bigseg erasures show {path.rpartition('/')[2]}"
        raise CommandError(message) from None


def _list(target: EnvironmentOptions, session: Session) -> None:
    """List the erasures of an environment, newest first."""
    with session.open_connection() as connection:
        items = connection.get_all(f"{target.path_of_environment}/erasures")
    rows = [
        (
            each["id"],
            each["contextKind"],
            each["keyHash"],
            each["status"],
            moment(each["creationDate"]),
            moment(each.get("completionDate")),
            each["initiator"],
        )
        for each in items
    ]
    title = f"Erasures of {target.environment}"
    session.show(items, Table(title, _COLUMNS, rows, frozenset({"id"})))


def _show(
    erasure_id: Annotated[str, typer.Argument(metavar="ID", help="The erasure's id.")],
    target: EnvironmentOptions,
    session: Session,
) -> None:
    """Print the receipt of an erasure, or what it waits for."""
    with session.open_connection() as connection:
        path = f"{target.path_of_environment}/erasures/{encode_key(erasure_id)}"
        _print(session, connection.get(path))


def _print(session: Session, erasure: dict[str, Any]) -> None:
    rows: list[tuple[str, object]] = [
        ("status", erasure["status"]),
        ("kind", erasure["contextKind"]),
        ("key hash", erasure["keyHash"]),
        ("started", moment(erasure["creationDate"])),
        ("started by", erasure["initiator"]),
        ("completed", moment(erasure.get("completionDate"))),
        ("waits for", _listed(erasure["waitsFor"])),
    ]
    touched = erasure.get("touched")
    if touched is not None:
        names = {each: _listed(touched[of]) for each, of in _NAMES.items()}
        for label, name in _COUNTS:
            rows.append((label, touched[name]))
            if names.get(name):
                rows.append(("which", names[name]))
        rows.append(("segments whose rules name it", _listed(erasure["rules"])))
        rows.append(("flags that name it", _listed(erasure["flags"])))
    session.show(erasure, Table(f"Erasure {erasure['id']}", FIELDS, rows))


def _listed(names: list[str]) -> str | None:
    return ", ".join(names) or None
