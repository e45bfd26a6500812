"""The settings table of deploy/README.md, made from the settings classes."""

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from api.settings import ApiSettings
from worker.settings import ObjectSettings, StoreSettings, WorkerSettings

_READERS = (
    ("all", StoreSettings),
    ("api, worker", ObjectSettings),
    ("worker", WorkerSettings),
    ("api", ApiSettings),
)


def settings_table() -> str:
    """One row a setting: its variable, who reads it, its default and what it means."""
    rows = ["| variable | read by | default | meaning |", "|---|---|---|---|"]
    seen: set[str] = set()
    for reader, settings in _READERS:
        for name, field in settings.model_fields.items():
            if name not in seen:
                seen.add(name)
                rows.append(
                    f"| `BIGSEG_{name.upper()}` | {reader} | {_default(field)} "
                    f"| {field.description} |"
                )
    return "\n".join(rows)


def _default(field: FieldInfo) -> str:
    value = field.default
    if value is None:
        return "unset"
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    return f"`{value}`"
