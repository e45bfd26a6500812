"""The ports of a local system, unless its user names others or they are taken."""

from typing import Final

DEFAULT_PORT: Final = 8000
#: Not the usual 6379: a server that is started there later should find it free.
DEFAULT_REDIS_PORT: Final = 16_379
DEFAULT_S3_PORT: Final = 19_000
