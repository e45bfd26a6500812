"""Fields of request bodies that are ignored, who sends them, and why that is harmless.

LaunchDarkly ignores every unknown field. Here one that is not in this table is refused, because
a misspelled field would otherwise be an edit that is confirmed and not made.
"""

from dataclasses import dataclass
from typing import Final, Literal

Body = Literal["new segment", "segment patch", "new project", "new environment"]


@dataclass(frozen=True, slots=True)
class Ignored:
    """Fields of a body that have no effect here."""

    body: Body
    names: frozenset[str]
    client: str
    """Who sends them."""
    reason: str


#: Source: the models of LaunchDarkly's Python client 25.0.1 and TypeScript client 17.2.0, the
#: requests of Terraform's provider 2.x and 3.x and of ldcli 3.10, and the documentation.
IGNORED: Final = (
    Ignored(
        "new segment",
        frozenset({"included", "excluded", "includedContexts", "excludedContexts", "rules"}),
        "scripts that copy a segment",
        "documented: a segment is created without targets and rules; a patch adds them",
    ),
    Ignored(
        "new segment",
        frozenset({"viewKeys"}),
        "Terraform's provider 3.x, for view_keys",
        "there are no views",
    ),
    Ignored(
        # Read in the provider's code; observed with 2.29.0 and 2.30.3.
        "segment patch",
        frozenset({"temporary"}),
        "Terraform's provider 1.x and 2.x, whenever it creates or updates a segment",
        "LaunchDarkly itself has no such field",
    ),
    Ignored(
        "new project",
        frozenset({"namingConvention"}),
        "the generated clients and ldcli",
        "it is for the keys of flags, and there are no flags",
    ),
)


def ignored_in(body: Body) -> frozenset[str]:
    """The names of the fields that are ignored in a body."""
    return frozenset(name for ignored in IGNORED if ignored.body == body for name in ignored.names)
