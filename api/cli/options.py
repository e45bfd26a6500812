"""Options that several commands have, each declared once."""

from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import Annotated, Any
from urllib.parse import quote

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentOptions:
    """Which environment a command is about."""

    project: Annotated[str, typer.Option(help="Key of the project.")] = "default"
    environment: Annotated[str, typer.Option(help="Key of the environment.")] = "production"

    @property
    def segments_path(self) -> str:
        """The path of the environment's segments."""
        return f"/api/v2/segments/{_encode(self.project)}/{_encode(self.environment)}"

    def segment_path(self, segment: str) -> str:
        """The path of one of them."""
        return f"{self.segments_path}/{_encode(segment)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentOptions(EnvironmentOptions):
    """Which segment a command is about."""

    segment: Annotated[str, typer.Option("--segment", "-s", help="Key of the segment.")]

    @property
    def path(self) -> str:
        """The segment's path."""
        return self.segment_path(self.segment)


def with_options(function: Callable[..., None]) -> Callable[..., None]:
    """Make a command of a function, a parameter that is a dataclass being its fields' options."""
    bundles: dict[str, Any] = {}
    parameters: list[Parameter] = []
    for parameter in signature(function).parameters.values():
        if is_dataclass(parameter.annotation):
            bundles[parameter.name] = parameter.annotation
            parameters += _parameters_of(parameter.annotation)
        else:
            parameters.append(parameter.replace(kind=Parameter.KEYWORD_ONLY))

    @wraps(function)
    def run(**values: object) -> None:
        for name, kind in bundles.items():
            values[name] = kind(**{field.name: values.pop(field.name) for field in fields(kind)})
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


def _encode(key: str) -> str:
    return quote(key, safe="")
