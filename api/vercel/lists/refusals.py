"""What operations on attached lists refuse, as they are documented."""

from types import MappingProxyType
from typing import Final

from api.errors import NotFound
from api.rest.operations import Refusals

NO_LIST: Final[Refusals] = MappingProxyType(
    {NotFound: "The project, the segment or the list does not exist."}
)
NO_IMPORT: Final[Refusals] = MappingProxyType(
    {NotFound: "The project, the segment, the list or the import does not exist."}
)
NO_PREVIEW: Final[Refusals] = MappingProxyType(
    {
        NotFound: "The project, the segment, the list or the import does not exist, or the import "
        "neither waits for an approval nor was a dry run."
    }
)
NO_EXPORT: Final[Refusals] = MappingProxyType(
    {NotFound: "The project, the segment, the list or the export does not exist."}
)
NO_UPLOAD: Final[Refusals] = MappingProxyType(
    {NotFound: "The project, the segment or the upload does not exist."}
)
