"""HTTP without TLS, as the servers of the tests speak it."""

import ssl
from typing import Final

#: For the ``verify`` of httpx, which otherwise reads all root certificates for each client: 50 ms
#: of a processor, and a server that starts is asked many times. It trusts nobody.
NO_ROOTS: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
