"""What a dialect contributes to the OpenAPI document."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from starlette.routing import BaseRoute

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Contribution:
    """One dialect's part of the document."""

    about: str
    """For callers of the dialect: Markdown."""
    routes: tuple[BaseRoute, ...]
    """Of its application, and of what the front answers in its name."""
    tags: Mapping[str, str]
    """Descriptions of the tags of its routes."""
    project_parameter: str
    """What its paths call a project."""
    security: Mapping[str, Mapping[str, Any]]
    """The scheme by which its callers authenticate, by name."""
    sdk_security: Mapping[str, Mapping[str, Any]]
    """The same for routes that take SDK keys; empty if there are none."""
    schemas: Mapping[str, Any]
    """Schemas that no route's model defines."""
    error: Mapping[str, Any]
    """The schema of a refusal's body."""
    examples: str
    """The package whose ``examples/*.json`` holds what was recorded of it."""
    schema_prefix: str = ""
    """Begins the names of its schemas, apart from those of other dialects."""


def read_examples(package: str) -> Json:
    """Read the recorded examples by operation id; ``refusals`` holds those of any operation.

    Args:
        package: see ``Contribution.examples``.
    """
    folder = resources.files(package) / "examples"
    files = sorted(
        (file for file in folder.iterdir() if file.name.endswith(".json")),
        key=lambda file: file.name,
    )
    return {
        name: examples
        for file in files
        for name, examples in json.loads(file.read_text(encoding="utf-8")).items()
    }
