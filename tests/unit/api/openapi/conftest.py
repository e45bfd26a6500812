"""The OpenAPI document, made once."""

from typing import Any

import pytest

from tests.support.documents.openapi import Document, closed, document, operations


@pytest.fixture(scope="session")
def served() -> Document:
    """The document as it is served."""
    return document()


@pytest.fixture(scope="session")
def strict(served: Document) -> Document:
    """The document with answers that may hold only what they declare."""
    return closed(served)


@pytest.fixture(scope="session")
def by_name(served: Document) -> dict[str, dict[str, Any]]:
    """The operations by their ids."""
    return {operation["operationId"]: operation for operation in operations(served)}


@pytest.fixture(scope="session")
def strict_by_name(strict: Document) -> dict[str, dict[str, Any]]:
    """The operations of the strict document by their ids."""
    return {operation["operationId"]: operation for operation in operations(strict)}
