"""A whole bigseg on one machine, for a first run, for tests and for the demo.

Not for production: nothing but the API asks for a password, and all is on one disk.
"""

from api.default_ports import DEFAULT_PORT, DEFAULT_REDIS_PORT, DEFAULT_S3_PORT
from api.local.data_dir import DataDirectory
from api.local.errors import ChildError, LocalSystemError, StopRequestedError
from api.local.events import Event
from api.local.system import LocalOptions, LocalSystem

__all__ = [
    "DEFAULT_PORT",
    "DEFAULT_REDIS_PORT",
    "DEFAULT_S3_PORT",
    "ChildError",
    "DataDirectory",
    "Event",
    "LocalOptions",
    "LocalSystem",
    "LocalSystemError",
    "StopRequestedError",
]
