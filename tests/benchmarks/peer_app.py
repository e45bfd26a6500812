"""The naive look-up service: FastAPI and two awaited ``SISMEMBER``, no authentication.

Run by uvicorn with ``--factory``; the store's URL is in ``BENCHMARK_STORE_URL``.
"""

import os

from fastapi import FastAPI
from redis.asyncio import Redis

from tests.benchmarks.peers import DATABASE, SET_NAME


def create_app() -> FastAPI:
    """Make the application."""
    app = FastAPI()
    client = Redis.from_url(os.environ["BENCHMARK_STORE_URL"], db=DATABASE)

    @app.get("/api/v2/segments/{project}/{environment}/{segment}/contexts/{key}")
    async def membership(project: str, environment: str, segment: str, key: str) -> dict[str, str | bool]:
        included = await client.sismember(SET_NAME, key)
        excluded = await client.sismember(f"{SET_NAME}:excluded", key)
        return {"userKey": key, "included": bool(included), "excluded": bool(excluded)}

    return app
