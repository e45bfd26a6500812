"""The service itself: metrics, the OpenAPI document, and health."""

import logging
from collections.abc import Callable, Sequence
from typing import Literal

from fastapi import APIRouter, FastAPI, Response
from pydantic import BaseModel

from api.launchdarkly.operations import NO_TOKEN, READ, operation
from api.metrics.exposition import CONTENT_TYPE
from api.services.services import ServicesOf
from worker.store import Store, StoreError, Writing

logger = logging.getLogger("bigseg.api")

router = APIRouter(tags=["Service"])
#: Health checks, only for the document: the front answers them.
documented = APIRouter(tags=["Service"])


class Liveness(BaseModel):
    """The process is alive."""

    status: Literal["ok"]


class PartReadiness(BaseModel):
    """Whether one part is usable."""

    ok: bool
    error: str | None = None


class Readiness(BaseModel):
    """Whether the service, and each part that it needs, is usable."""

    status: Literal["ok", "down"]
    parts: dict[str, PartReadiness]


@router.get(
    "/metrics",
    operation_id="getMetrics",
    responses={
        200: {
            "description": "The metrics.",
            "content": {"text/plain": {"schema": {"type": "string"}}},
        }
    },
    response_class=Response,
)
@operation(needs=READ)
def get_metrics(services: ServicesOf) -> Response:
    """Get the metrics of all processes of this port, in the text format of Prometheus."""
    return Response(services.metrics.render(_writing(services.store)), media_type=CONTENT_TYPE)


def _writing(store: Callable[[], Store]) -> Sequence[Writing] | None:
    """What workers write now; ``None`` if the store does not say."""
    try:
        return store().writing.read()
    except StoreError as exc:
        logger.warning("writing.unknown", extra={"reason": str(exc)})
        return None


@documented.get("/healthz", operation_id="getLiveness", response_model=Liveness)
@operation(needs=NO_TOKEN)
def get_liveness() -> None:
    """Check whether the process is alive. Needs no token."""


@documented.get(
    "/readyz",
    operation_id="getReadiness",
    response_model=Readiness,
    responses={503: {"description": "A part does not answer.", "model": Readiness}},
)
@operation(needs=NO_TOKEN)
def get_readiness() -> None:
    """Check whether all parts that the service needs answer. Needs no token."""


def permit_documentation(app: FastAPI) -> None:
    """Let every token read the OpenAPI document; call it before other routes are added."""
    for page in app.routes:
        operation(needs=READ)(page.endpoint)  # type: ignore[attr-defined]  # a plain route
