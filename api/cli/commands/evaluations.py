"""``bigseg evaluate``: which segments a context is in."""

import json
from typing import Annotated, Any

import typer

from api.cli.errors import UsageError
from api.cli.session.options import EnvironmentOptions, with_options
from api.cli.session.session import Session
from api.cli.session.tables import Table


def register(app: typer.Typer) -> None:
    """Add the command ``evaluate``."""
    app.command("evaluate")(with_options(_evaluate))


def _evaluate(
    key_or_json: Annotated[
        str,
        typer.Argument(
            metavar="KEY|JSON", help='The key of a context, or a context such as {"key": …}.'
        ),
    ],
    target: EnvironmentOptions,
    session: Session,
    kind: Annotated[str, typer.Option(help="Kind of the context whose key is given.")] = "user",
    *,
    every: Annotated[
        bool, typer.Option("--all", help="List the segments that it is not in, too.")
    ] = False,
) -> None:
    """Evaluate the segments of an environment for a context: those that it is in, and why."""
    body = _parse_context(key_or_json, kind)
    with session.open_connection() as connection:
        items = connection.query(f"{target.path_of_environment}/segments/evaluate", body)["items"]
    selected = [item for item in items if every or item["isMember"]]
    rows = [
        (
            item["key"],
            item["name"],
            item["isMember"],
            item.get("isIndividuallyTargeted", False),
            item.get("isRuleTargeted", False),
        )
        for item in selected
    ]
    columns = ("segment", "name", "member", "by its key", "by a rule")
    session.show(selected, Table("Segments of the context", columns, rows))


def _parse_context(text: str, kind: str) -> Any:  # noqa: ANN401 - any JSON
    if not text.lstrip().startswith("{"):
        return {"kind": kind, "key": text}
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise UsageError(f"the context is not valid JSON: {exc}") from exc
