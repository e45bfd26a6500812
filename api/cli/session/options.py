"""Options that several commands have, each declared once, and what makes commands of functions."""

from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import Annotated, Any, Final

import typer

from api.cli.arguments.resource_keys import encode_id, encode_key
from api.cli.errors import UsageError
from api.cli.session.completion import complete_environments, complete_projects, complete_segments
from api.cli.session.session import OutputFormat, Session, choose_format

_PANEL: Final = "Options of every command"


@dataclass(frozen=True, slots=True, kw_only=True)
class GlobalOptions:
    """What every command takes, before its name or after it."""

    output: Annotated[
        OutputFormat | None,
        typer.Option(
            "--output",
            help="How results are printed.",
            show_default="BIGSEG_OUTPUT, else table on a terminal and tsv elsewhere",
            rich_help_panel=_PANEL,
        ),
    ] = None
    as_json: Annotated[
        bool,
        typer.Option(
            "--json", help="The same as `--output json`, also for errors.", rich_help_panel=_PANEL
        ),
    ] = False
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet", "-q", help="Print only results and errors.", rich_help_panel=_PANEL
        ),
    ] = False
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose",
            "-v",
            help="Print the server and each request, too.",
            rich_help_panel=_PANEL,
        ),
    ] = False
    context: Annotated[
        str | None,
        typer.Option(
            "--context",
            metavar="NAME",
            help="The context to use, as in `bigseg contexts list`.",
            show_default="BIGSEG_CONTEXT",
            rich_help_panel=_PANEL,
        ),
    ] = None

    def merge(self, outer: "GlobalOptions") -> "GlobalOptions":
        """These options, and those of the outer command where these are unset."""
        return GlobalOptions(
            output=self.output or (None if self.as_json else outer.output),
            as_json=self.as_json or (outer.as_json and self.output is None),
            quiet=self.quiet or outer.quiet,
            verbose=self.verbose or outer.verbose,
            context=self.context or outer.context,
        )

    def open_session(self) -> Session:
        """Make the session that they describe.

        Raises:
            UsageError: they contradict each other.
        """
        if self.as_json and self.output not in {None, OutputFormat.JSON}:
            raise UsageError("--json is `--output json`: leave one of them out")
        if self.quiet and self.verbose:
            raise UsageError("--quiet and --verbose exclude each other")
        asked = OutputFormat.JSON if self.as_json else self.output
        return Session(choose_format(asked), self.quiet, self.verbose, self.context)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectOptions:
    """Which project a command is about."""

    project: Annotated[
        str, typer.Option(help="Key of the project.", autocompletion=complete_projects)
    ] = "default"

    @property
    def path(self) -> str:
        """The project's path."""
        return f"/api/v2/projects/{encode_key(self.project)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentOptions:
    """Which environment a command is about."""

    project: Annotated[
        str, typer.Option(help="Key of the project.", autocompletion=complete_projects)
    ] = "default"
    environment: Annotated[
        str, typer.Option(help="Key of the environment.", autocompletion=complete_environments)
    ] = "production"

    @property
    def path_of_environment(self) -> str:
        """The path of the environment."""
        project, environment = encode_key(self.project), encode_key(self.environment)
        return f"/api/v2/projects/{project}/environments/{environment}"

    @property
    def segments_path(self) -> str:
        """The path of the environment's segments."""
        return f"/api/v2/segments/{encode_key(self.project)}/{encode_key(self.environment)}"

    def segment_path(self, segment: str) -> str:
        """The path of one of them."""
        return f"{self.segments_path}/{encode_key(segment)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentOptions(EnvironmentOptions):
    """Which segment a command is about."""

    segment: Annotated[
        str,
        typer.Option(
            "--segment", "-s", help="Key of the segment.", autocompletion=complete_segments
        ),
    ]

    @property
    def path(self) -> str:
        """The segment's path."""
        return self.segment_path(self.segment)

    def import_path(self, import_id: str) -> str:
        """The path of one of its imports."""
        return f"{self.path}/imports/{encode_id(import_id)}"

    def export_path(self, export_id: str) -> str:
        """The path of one of its exports."""
        return f"{self.path}/exports/{encode_id(export_id)}"


#: What the parameter of typer's context is called, unless the function has one itself.
_CONTEXT = "typer_context"


def with_options(function: Callable[..., None]) -> Callable[..., None]:
    """Make a command of a function.

    A parameter whose type is a dataclass stands for one option per field, and a ``Session`` for
    the options of every command. An option that the function declares itself replaces the one of
    the same name.
    """
    given = signature(function).parameters
    bundles: dict[str, Any] = {}
    parameters: list[Parameter] = []
    # What every command has comes last in its help.
    for parameter in sorted(given.values(), key=lambda each: each.annotation is Session):
        kind = GlobalOptions if parameter.annotation is Session else parameter.annotation
        if is_dataclass(kind):
            bundles[parameter.name] = kind
            parameters += [option for option in _parameters_of(kind) if option.name not in given]
        else:
            parameters.append(parameter.replace(kind=Parameter.KEYWORD_ONLY))
    takes_context = typer.Context in {parameter.annotation for parameter in given.values()}
    if not takes_context:
        parameters.append(Parameter(_CONTEXT, Parameter.KEYWORD_ONLY, annotation=typer.Context))

    @wraps(function)
    def run(**values: Any) -> None:  # noqa: ANN401 - each is of its parameter's type
        outer = None if takes_context else values.pop(_CONTEXT).find_root().obj
        for name, kind in bundles.items():
            own = {
                option.name: values.pop(option.name)
                for option in fields(kind)
                if option.name not in given
            }
            bundle = kind(**own)
            if given[name].annotation is Session:
                bundle = bundle.merge(outer or GlobalOptions()).open_session()
            values[name] = bundle
        function(**values)

    parameters.sort(key=lambda parameter: parameter.default is not Parameter.empty)
    run.__signature__ = Signature(parameters)  # type: ignore[attr-defined]  # typer reads it
    return run


def _parameters_of(kind: Any) -> list[Parameter]:  # noqa: ANN401 - a dataclass
    return [
        Parameter(
            field.name,
            Parameter.KEYWORD_ONLY,
            annotation=field.type,
            default=Parameter.empty if field.default is MISSING else field.default,
        )
        for field in fields(kind)
    ]
