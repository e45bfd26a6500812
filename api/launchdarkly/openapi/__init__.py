"""The OpenAPI document: what FastAPI derives from the routes, made true and complete.

A new operation needs an entry in ``refusals`` (which errors), in ``parameters`` (what its
parameters mean), and in ``examples``; ``bodies`` is for bodies that a route reads by hand.
``tests/unit/api/launchdarkly/test_openapi_document.py`` says what is missing.
"""

from api.launchdarkly.openapi.assembling import install

__all__ = ["install"]
