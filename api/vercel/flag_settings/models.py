"""The settings of a project's flags: which entities there are, for people who write rules.

Source: the models of ``@vercel/sdk`` 1.28.35, and Vercel's page on limits: 32 kinds of entities,
32 attributes of one, 128 labels of one, texts of 128 characters. Nothing is evaluated by them.
"""

from typing import Annotated, Final, Literal

from pydantic import Field, StrictBool, StrictStr, StringConstraints

from api.bodies.models import Int32, Int64, WireModel
from api.vercel.wire.parts import Part

_MOST_KINDS: Final = 32
_MOST_ATTRIBUTES: Final = 32
_MOST_LABELS: Final = 128
_MOST_ENVIRONMENTS: Final = 100
#: Source: what Vercel's projects have from the start.
_ENVIRONMENTS: Final = ("production", "preview", "development")

Text = Annotated[StrictStr, StringConstraints(max_length=128)]
Name = Annotated[StrictStr, StringConstraints(min_length=1, max_length=128)]


class Label(Part):
    """A value of an attribute, and what people call it."""

    value: Text
    label: Text


class Attribute(Part):
    """An attribute of an entity."""

    key: Name
    type: Text
    labels: Annotated[list[Label] | None, Field(max_length=_MOST_LABELS)] = None


class Entity(Part):
    """A kind of entity."""

    kind: Name
    label: Text
    attributes: Annotated[list[Attribute], Field(max_length=_MOST_ATTRIBUTES)]


Entities = Annotated[list[Entity], Field(max_length=_MOST_KINDS)]
Environments = Annotated[list[Name], Field(max_length=_MOST_ENVIRONMENTS)]


class SettingsPatch(Part):
    """What changes; what is absent stays."""

    enabled: StrictBool | None = None
    entities: Entities | None = None
    environments: Environments | None = None


class StoredSettings(Part):
    """The settings as they are stored."""

    enabled: bool = True
    entities: Entities = Field(default_factory=list)
    environments: Environments = Field(default_factory=lambda: list(_ENVIRONMENTS))
    created_at: Int64 | None = None
    """Unix milliseconds; ``None`` before they are changed first."""
    updated_at: Int64 | None = None


class Totals(WireModel):
    """What there is in the project; flags are those of its stored definitions."""

    active_flag_count: Int32
    archived_flag_count: Int32 = 0
    segment_count: Int32
    pack_size_in_bytes: Int64
    pack_revision: Int32
    config_updated_at: Int64


class SettingsRepresentation(WireModel):
    """The settings of a project's flags."""

    project_id: str
    type_name: Literal["settings"] = "settings"
    enabled: bool
    entities: list[Entity]
    environments: list[str]
    created_at: Int64 | None = None
    updated_at: Int64 | None = None
    metadata: Totals
