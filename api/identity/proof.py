"""The proof that a server knows a key: an HMAC of the client's challenge and of their connection.

The address is what the socket says on both sides, not what a request says: a server that passes
a challenge on to the real one gets the proof of another connection.
"""

import hmac
import re
import secrets
from ipaddress import IPv6Address, ip_address
from typing import Final

PATH: Final = "/identity"
#: Hex digits of a challenge.
CHALLENGE_LENGTH: Final = 64

_CHALLENGE: Final = re.compile(rf"[0-9a-f]{{{CHALLENGE_LENGTH}}}")


def make_challenge() -> str:
    """Make a challenge that nobody has answered before."""
    return secrets.token_hex(CHALLENGE_LENGTH // 2)


def is_challenge(text: str) -> bool:
    """Whether a text has the form of a challenge."""
    return _CHALLENGE.fullmatch(text) is not None


def prove(key: str, challenge: str, host: str, port: int) -> str:
    """Compute the proof of the server at this end of a connection.

    Args:
        key: the secret of server and client.
        challenge: what the client sent.
        host: IP address of the server's socket.
        port: its port.

    Raises:
        ValueError: the host is not an IP address.
    """
    address = ip_address(host.partition("%")[0])
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped  # a socket for both versions shows IPv4 clients so
    message = f"bigseg identity\n{challenge}\n{address}\n{port}"
    return hmac.digest(key.encode(), message.encode(), "sha256").hex()


def is_proof(given: object, key: str, challenge: str, host: str, port: int) -> bool:
    """Whether what a server answered is its proof; compared in constant time."""
    if not isinstance(given, str):
        return False
    return hmac.compare_digest(given.encode(), prove(key, challenge, host, port).encode())
