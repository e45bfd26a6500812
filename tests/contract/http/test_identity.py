"""``GET /identity``: a server with a key proves it, without a token; others have no such path."""

import asyncio

import httpx
import pytest

from api.errors import NotFound
from api.http.identity import Identity
from api.identity.proof import is_proof, make_challenge
from tests.support.servers.api import IDENTITY_KEY, TOKEN, Api, assert_refused


def test_identity__without_a_key__is_not_there() -> None:
    query = f"challenge={make_challenge()}".encode()

    async def send(message: object) -> None:
        pytest.fail(f"answered with {message}")

    with pytest.raises(NotFound):
        asyncio.run(
            Identity(None).answer({"server": ("127.0.0.1", 8000), "query_string": query}, send)
        )


def test_identity__with_a_key__is_proved_without_a_token(api: Api) -> None:
    challenge, port = make_challenge(), httpx.URL(api.url).port
    assert port is not None
    with api.client(None) as client:
        proved = client.get("/identity", params={"challenge": challenge})
        # What a request says about the server counts for nothing.
        lied = client.get(
            "/identity", params={"challenge": challenge}, headers={"Host": "10.0.0.1:1"}
        )
        refused = [
            client.get(f"/identity?{query}")
            for query in (
                *(f"challenge={wrong}" for wrong in ("", "a", "A" * 64, challenge + "a", "g" * 64)),
                "&".join([f"challenge={challenge}"] * 20),
                "",
            )
        ]
        posted = client.post("/identity", headers={"Authorization": TOKEN})

    assert proved.status_code == 200, proved.text
    proof = proved.json()["proof"]
    assert is_proof(proof, IDENTITY_KEY, challenge, "127.0.0.1", port)
    assert not is_proof(proof, IDENTITY_KEY, challenge, "127.0.0.1", port + 1)
    assert not is_proof(proof, IDENTITY_KEY, challenge, "127.0.0.2", port)
    assert lied.json() == proved.json()
    for reply in refused:
        assert_refused(reply, 400, "invalid_request")
    assert_refused(posted, 405, "method_not_allowed")
