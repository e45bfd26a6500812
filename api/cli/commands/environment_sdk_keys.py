"""``bigseg environments sdk-keys``: the keys with which LaunchDarkly's SDKs and relays connect."""

import time
from typing import Annotated, Any

import typer

from api.cli.arguments.durations import parse_duration
from api.cli.arguments.resource_keys import encode_id
from api.cli.errors import CommandError, ExitStatus
from api.cli.session.confirmation import Yes, confirm, require_answerable
from api.cli.session.options import EnvironmentOptions, with_options
from api.cli.session.session import Session
from api.cli.session.tables import Table, moment


def register(environments: typer.Typer) -> None:
    """Add the command group ``environments sdk-keys``."""
    sdk_keys = typer.Typer(
        help="Create, list, reset and revoke the keys with which LaunchDarkly's SDKs connect.",
        no_args_is_help=True,
    )
    sdk_keys.command("create")(with_options(_create))
    sdk_keys.command("list")(with_options(_list))
    sdk_keys.command("reset")(with_options(_reset))
    sdk_keys.command("revoke")(with_options(_revoke))
    environments.add_typer(sdk_keys, name="sdk-keys")


def _create(
    target: EnvironmentOptions,
    session: Session,
    label: Annotated[str | None, typer.Option(help="What it is for.")] = None,
    *,
    relay: Annotated[bool, typer.Option(help="It is for a Relay Proxy, not for an SDK.")] = False,
) -> None:
    """Create another SDK key of an environment and print it; it cannot be displayed again."""
    body = {"relay": relay} if label is None else {"relay": relay, "label": label}
    with session.open_connection() as connection:
        made = connection.create(_path(target), body)
    _print(session, made, made["key"], f"SDK key {made['_id']} of {target.environment}")


def _list(target: EnvironmentOptions, session: Session) -> None:
    """List the SDK keys of an environment, newest first."""
    with session.open_connection() as connection:
        items = connection.get(_path(target))["items"]
    columns = ("id", "label", "for", "begins with", "created", "expires")
    rows = [
        (
            key["_id"],
            key.get("label"),
            _purpose(key),
            key["key"].rstrip("*"),
            moment(key["creationDate"]),
            moment(key["expiry"]) if "expiry" in key else None,
        )
        for key in items
    ]
    title = f"SDK keys of {target.environment} in {target.project}"
    session.show(items, Table(title, columns, rows, frozenset({"id"})))


def _reset(
    target: EnvironmentOptions,
    session: Session,
    keep_old: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="How long the key of before is valid, too, such as 24h.",
            show_default="it is refused at once",
        ),
    ] = None,
    *,
    yes: Yes = False,
) -> None:
    """Replace the SDK key that an environment has as its own, and print the new one."""
    path = f"{target.path_of_environment}/apiKey"
    if keep_old is None:
        require_answerable(yes=yes, what="resetting an SDK key")
        if not yes:
            what = f"This refuses the SDK key of {target.environment} at once, without --keep-old."
            confirm(what, target.environment)
    else:
        until_s = time.time() + parse_duration(keep_old, "--keep-old")
        path = f"{path}?expiry={int(until_s * 1000)}"
    with session.open_connection() as connection:
        made = connection.create(path, None)
    _print(session, made, made["apiKey"], f"the SDK key of {target.environment}")


def _revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="Id of the key, as listed.")],
    target: EnvironmentOptions,
    session: Session,
    *,
    yes: Yes = False,
) -> None:
    """Revoke an SDK key; within a second it is refused everywhere, and its streams end."""
    require_answerable(yes=yes, what="revoking an SDK key")
    with session.open_connection() as connection:
        if not yes:
            items = connection.get(_path(target))["items"]
            if key_id not in [key["_id"] for key in items]:
                message = f"environment {target.environment} has no SDK key {key_id}"
                raise CommandError(message, ExitStatus.NOT_FOUND)
            confirm(f"This revokes SDK key {key_id} of {target.environment}.", key_id)
        connection.delete(f"{_path(target)}/{encode_id(key_id)}")
    session.say(f"SDK key {key_id} is revoked", {"revoked": key_id})


def _path(target: EnvironmentOptions) -> str:
    return f"{target.path_of_environment}/sdk-keys"


def _purpose(key: dict[str, Any]) -> str:
    if key["relay"]:
        return "relay"
    return "the environment" if key["own"] else "SDKs"


def _print(session: Session, made: dict[str, Any], key: str, name: str) -> None:
    if session.as_json:
        session.show(made)
        return
    typer.echo(key)
    session.note(f"{name}; keep it: it cannot be displayed again")
