"""Assembles the commands of `commands/`, one module for each group."""

from collections.abc import Callable

import typer

from api.cli.commands import (
    audit,
    compositions,
    contexts,
    environments,
    erasures,
    evaluations,
    export_records,
    exports,
    flag_data,
    import_records,
    imports,
    lookups,
    members,
    projects,
    revisions,
    schedules,
    sdk_keys,
    segments,
    serve,
    status,
    tokens,
    up,
    webhooks,
)
from api.cli.program import Program, add_global_options

# Each adds its commands to the application; the order is that of `bigseg --help`.
_REGISTER: tuple[Callable[[typer.Typer], None], ...] = (
    up.register,
    imports.register,
    compositions.register,
    import_records.register,
    revisions.register,
    lookups.register,
    exports.register,
    export_records.register,
    schedules.register,
    evaluations.register,
    status.register,
    audit.register,
    segments.register,
    members.register,
    erasures.register,
    projects.register,
    environments.register,
    flag_data.register,
    webhooks.register,
    tokens.register,
    sdk_keys.register,
    contexts.register,
    serve.register,
)


def build_app() -> typer.Typer:
    """Make the command-line application with all its commands."""
    app = typer.Typer(
        cls=Program,
        name="bigseg",
        help="Big segments: lists in from S3, answers out over HTTP.",
        no_args_is_help=True,
        rich_markup_mode="markdown",
        context_settings={"help_option_names": ["-h", "--help"]},
        pretty_exceptions_enable=False,  # locals may hold a token
    )
    add_global_options(app)
    for register in _REGISTER:
        register(app)
    return app
