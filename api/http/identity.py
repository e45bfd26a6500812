"""``GET /identity``: the server proves that it is the one of a data directory. Needs no token."""

import json
from typing import Final
from urllib.parse import parse_qsl

from pydantic import SecretStr

from api.errors import InvalidRequest, NotFound
from api.http.asgi import Scope
from api.identity.proof import CHALLENGE_LENGTH, PATH, is_challenge, prove

IDENTITY_PATH: Final = PATH.encode()

_MOST_QUERY_BYTES: Final = 4 * CHALLENGE_LENGTH


class Identity:
    """Answers challenges with the key of this server, if it has one."""

    def __init__(self, key: SecretStr | None) -> None:
        self._key = key

    def body(self, scope: Scope) -> bytes:
        """Give the proof for the challenge in the query.

        Raises:
            NotFound: this server has no key, or no IP address of its own.
            InvalidRequest: there is no challenge.
        """
        server = scope.get("server")
        if self._key is None or not server or server[1] is None:
            raise NotFound("invalid resource identifier")
        challenge = _challenge(scope["query_string"])
        proof = prove(self._key.get_secret_value(), challenge, server[0], server[1])
        return json.dumps({"proof": proof}).encode()


def _challenge(query: bytes) -> str:
    if len(query) <= _MOST_QUERY_BYTES:
        for name, value in parse_qsl(query.decode("latin-1")):
            if name == "challenge" and is_challenge(value):
                return value
    raise InvalidRequest(f"challenge must be {CHALLENGE_LENGTH} hexadecimal digits")
