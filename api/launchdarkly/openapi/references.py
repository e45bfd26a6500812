"""How parts of the document name one another."""

from typing import Any, Final

JSON: Final = "application/json"
SEMANTIC: Final = "application/json; domain-model=launchdarkly.semanticpatch"
FORM: Final = "multipart/form-data"

_COMPONENTS: Final = "#/components/schemas/"
#: Pydantic's form of the same.
TEMPLATE: Final = f"{_COMPONENTS}{{model}}"


def component(name: str) -> dict[str, Any]:
    """A reference to a schema that has a name."""
    return {"$ref": f"{_COMPONENTS}{name}"}


def name_of(reference: str) -> str:
    """The name in a reference."""
    return reference.removeprefix(_COMPONENTS)
