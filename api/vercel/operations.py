"""What operations of this dialect need.

A path names a project by its key or by its id. Only the handler's parameters know which, so they
check the scope (``wire/requests.py``), and the dependency of every route only the role.
"""

from types import MappingProxyType
from typing import Final

from api.access.permissions import PathNames, permission_check
from api.errors import NotFound
from api.rest.operations import (
    ADMIN_CHECKED_BY_HANDLER,
    READ_CHECKED_BY_HANDLER,
    WRITE_CHECKED_BY_HANDLER,
    Refusals,
)

READ: Final = READ_CHECKED_BY_HANDLER
WRITE: Final = WRITE_CHECKED_BY_HANDLER
ADMIN: Final = ADMIN_CHECKED_BY_HANDLER

NO_SEGMENT: Final[Refusals] = MappingProxyType(
    {NotFound: "The project or the segment does not exist."}
)

#: Checks what ``needs`` has declared; a dependency of every route.
require_permission = permission_check(PathNames("projectIdOrName", "", "segmentIdOrSlug"))
