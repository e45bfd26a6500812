"""A whole bigseg on one machine, for a first run, for tests and for the demo.

Not for production: nothing but the API asks for a password, and all is on one disk.
"""

from api.local.data_dir import DataDirectory
from api.local.errors import ChildError, LocalSystemError, StopRequestedError
from api.local.events import Event
from api.local.options import LocalOptions
from api.local.system import LocalSystem

__all__ = [
    "ChildError",
    "DataDirectory",
    "Event",
    "LocalOptions",
    "LocalSystem",
    "LocalSystemError",
    "StopRequestedError",
]
