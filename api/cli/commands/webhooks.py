"""``bigseg webhooks``: who hears of the ends of imports and exports."""

import time
from typing import Annotated, Any, Final
from urllib.parse import quote

import typer

from api.cli.errors import CommandError, ExitStatus, UsageError
from api.cli.session.confirmation import Yes, confirm, require_answerable
from api.cli.session.options import EnvironmentOptions, with_options
from api.cli.session.session import Session
from api.cli.session.tables import FIELDS, Table, moment

Id = Annotated[str, typer.Argument(metavar="ID", help="Id of the webhook, as listed.")]

_LOOK_EVERY_S: Final = 0.2


def register(app: typer.Typer) -> None:
    """Add the command group ``webhooks``."""
    webhooks = typer.Typer(
        help="Have a server of yours hear of the ends of imports and exports.",
        no_args_is_help=True,
    )
    webhooks.command("create")(with_options(_create))
    webhooks.command("list")(with_options(_list))
    webhooks.command("show")(with_options(_show))
    webhooks.command("update")(with_options(_update))
    webhooks.command("pause")(with_options(_pause))
    webhooks.command("resume")(with_options(_resume))
    webhooks.command("test")(with_options(_test))
    webhooks.command("rotate")(with_options(_rotate))
    webhooks.command("deliveries")(with_options(_deliveries))
    webhooks.command("delete")(with_options(_delete))
    app.add_typer(webhooks, name="webhooks")


def _create(
    url: Annotated[str, typer.Argument(metavar="URL", help="Where events are sent to.")],
    target: EnvironmentOptions,
    session: Session,
    event: Annotated[
        list[str] | None,
        typer.Option(
            help="A kind of event, such as import.stopped; may be repeated. All if unset."
        ),
    ] = None,
    name: Annotated[str, typer.Option(help="What it is for.")] = "",
) -> None:
    """Create a webhook and print its secret; it cannot be displayed again."""
    body = {"url": url, "events": event or [], "name": name}
    with session.open_connection() as connection:
        made = connection.create(_path(target), body)
    _print_secret(session, made)


def _list(target: EnvironmentOptions, session: Session) -> None:
    """List the webhooks of an environment, oldest first, and how each is."""
    with session.open_connection() as connection:
        items = connection.get(_path(target))["items"]
    columns = ("id", "name", "url", "events", "status", "queued")
    rows = [
        (
            each["id"],
            each["name"] or None,
            each["url"],
            _kinds(each),
            _status(each),
            each["queued"],
        )
        for each in items
    ]
    title = f"Webhooks of {target.project} {target.environment}"
    session.show(items, Table(title, columns, rows, frozenset({"id"})))


def _show(webhook_id: Id, target: EnvironmentOptions, session: Session) -> None:
    """Show one webhook, and how deliveries to it have gone."""
    with session.open_connection() as connection:
        _print(session, connection.get(_path(target, webhook_id)))


def _update(
    webhook_id: Id,
    target: EnvironmentOptions,
    session: Session,
    url: Annotated[
        str | None,
        typer.Option("--url", metavar="URL", help="Where events are sent to, what waits as well."),
    ] = None,
    event: Annotated[
        list[str] | None,
        typer.Option(help="A kind of event; may be repeated, and replaces those of before."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="What it is for.")] = None,
    *,
    all_events: Annotated[
        bool, typer.Option("--all-events", help="Every kind of event from now on.")
    ] = False,
) -> None:
    """Change a webhook; its id and its secret stay. With another URL it is tried at once."""
    if event and all_events:
        raise UsageError("give --event or --all-events, not both")
    body: dict[str, Any] = {"url": url, "events": [] if all_events else event, "name": name}
    _patch(
        webhook_id, target, session, {field: new for field, new in body.items() if new is not None}
    )


def _pause(webhook_id: Id, target: EnvironmentOptions, session: Session) -> None:
    """Pause a webhook: no event is queued for it until it is resumed, and nothing is sent."""
    _patch(webhook_id, target, session, {"paused": True})


def _resume(webhook_id: Id, target: EnvironmentOptions, session: Session) -> None:
    """Resume a webhook with what waited when it was paused."""
    _patch(webhook_id, target, session, {"paused": False})


def _patch(
    webhook_id: str, target: EnvironmentOptions, session: Session, body: dict[str, Any]
) -> None:
    with session.open_connection() as connection:
        _print(session, connection.patch(_path(target, webhook_id), body))


def _print(session: Session, found: dict[str, Any]) -> None:
    rows = [
        ("name", found["name"] or None),
        ("url", found["url"]),
        ("events", _kinds(found)),
        ("status", _status(found)),
        ("failing since", moment(found.get("failingSince"))),
        ("last delivery", moment(found.get("deliveryTime"))),
        ("queued", found["queued"]),
        ("lost", found["lost"]),
        ("dropped", found["dropped"]),
        ("created", moment(found["creationTime"])),
    ]
    session.show(found, Table(f"Webhook {found['id']}", FIELDS, rows))


def _test(
    webhook_id: Id,
    target: EnvironmentOptions,
    session: Session,
    timeout: Annotated[
        float, typer.Option(min=0, help="Seconds to wait for the first attempt.")
    ] = 30.0,
) -> None:
    """Send a webhook an event that means nothing, and say what came of it."""
    path = _path(target, webhook_id)
    with session.open_connection() as connection:
        event_id = connection.create(f"{path}/test", None)["eventId"]
        ends = time.monotonic() + timeout
        while True:
            items = connection.get(f"{path}/deliveries")["items"]
            found = next((each for each in items if each["eventId"] == event_id), None)
            if found is not None or time.monotonic() > ends:
                break
            time.sleep(_LOOK_EVERY_S)
    if found is None:
        message = (
            f"no attempt within {timeout:g} s; is a worker running, or are others tried first?"
        )
        raise CommandError(message, ExitStatus.FAILED)
    if found["outcome"] != "delivered":
        raise CommandError(f"not delivered: {found['reason']}", ExitStatus.FAILED)
    session.say(f"delivered: the receiver answered {found['statusCode']}", found)


def _rotate(webhook_id: Id, target: EnvironmentOptions, session: Session) -> None:
    """Give a webhook another secret and print it; the one before signs for a day more."""
    with session.open_connection() as connection:
        changed = connection.create(f"{_path(target, webhook_id)}/secret", None)
    _print_secret(session, changed)


def _deliveries(webhook_id: Id, target: EnvironmentOptions, session: Session) -> None:
    """List the last attempts at deliveries to a webhook, newest first."""
    with session.open_connection() as connection:
        items = connection.get(f"{_path(target, webhook_id)}/deliveries")["items"]
    columns = ("time", "event", "attempt", "outcome", "status", "ms", "reason")
    rows = [
        (
            moment(each["time"]),
            each["event"],
            each["attempt"],
            each["outcome"],
            each.get("statusCode"),
            each["durationMs"],
            each.get("reason"),
        )
        for each in items
    ]
    session.show(items, Table(f"Deliveries to webhook {webhook_id}", columns, rows))


def _delete(
    webhook_id: Id, target: EnvironmentOptions, session: Session, *, yes: Yes = False
) -> None:
    """Delete a webhook with all that waits for it."""
    require_answerable(yes=yes, what="deleting a webhook")
    with session.open_connection() as connection:
        if not yes:
            found = connection.get(_path(target, webhook_id))
            what = f"webhook {webhook_id}, for which {found['queued']} deliveries wait"
            confirm(f"This deletes {what}.", webhook_id)
        connection.delete(_path(target, webhook_id))
    session.say(f"webhook {webhook_id} is deleted", {"deleted": webhook_id})


def _print_secret(session: Session, webhook: dict[str, Any]) -> None:
    if session.as_json:
        session.show(webhook)
        return
    typer.echo(webhook["secret"])
    session.note(f"the secret of webhook {webhook['id']}; keep it: it cannot be displayed again")


def _status(webhook: dict[str, Any]) -> str:
    return "paused" if webhook["paused"] else str(webhook["status"])


def _kinds(webhook: dict[str, Any]) -> str:
    return ", ".join(webhook["events"]) or "all"


def _path(target: EnvironmentOptions, webhook_id: str | None = None) -> str:
    collection = f"{target.path_of_environment}/webhooks"
    return collection if webhook_id is None else f"{collection}/{quote(webhook_id, safe='')}"
