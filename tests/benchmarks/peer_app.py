"""The naive look-up service: FastAPI and two awaited ``SISMEMBER``, no authentication.

Run by uvicorn with ``--factory``; the store's port is in ``BENCHMARK_STORE_PORT``.
"""

import os

from fastapi import FastAPI
from redis.asyncio import Redis

from tests.benchmarks.peers import DATABASE, SET_NAME


def create_app() -> FastAPI:
    """Make the application."""
    app = FastAPI()
    client = Redis(port=int(os.environ["BENCHMARK_STORE_PORT"]), db=DATABASE)

    @app.get("/api/v2/segments/default/production/list/contexts/{key}")
    async def membership(key: str) -> dict[str, str | bool]:
        included = await client.sismember(SET_NAME, key)
        excluded = await client.sismember(f"{SET_NAME}:excluded", key)
        return {"userKey": key, "included": bool(included), "excluded": bool(excluded)}

    return app
