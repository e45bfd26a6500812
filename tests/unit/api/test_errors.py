"""Every error of the store has a status, and every error of the API a body."""

import inspect

import pytest

from api import errors
from api.errors import ApiError, Broken, translate_error
from api.http.dialects import Dialect
from api.launchdarkly.dialect import LAUNCHDARKLY
from api.vercel.dialect import VERCEL
from worker.store import StoreError
from worker.store import errors as store_errors

_STORE_ERRORS = [
    error
    for _, error in inspect.getmembers(store_errors, inspect.isclass)
    if issubclass(error, StoreError) and error is not StoreError
]
_API_ERRORS = [
    error
    for _, error in inspect.getmembers(errors, inspect.isclass)
    if issubclass(error, ApiError) and error is not ApiError
]


@pytest.mark.parametrize("error", _STORE_ERRORS)
def test_translate_error__every_error_of_the_store__has_a_status(error: type[StoreError]) -> None:
    ours = translate_error(error("what happened"))

    assert str(ours) == "what happened"
    known_fault = {"StoreRefused", "MemberCorrupt", "ShardInvalid", "BrokerRefused"}
    known_fault |= {"Unsealed", "Unapproved", "RightsMissing"}
    assert isinstance(ours, Broken) == (error.__name__ in known_fault)


@pytest.mark.parametrize(
    ("dialect", "beginning"),
    [(LAUNCHDARKLY, b'{"code": "'), (VERCEL, b'{"error": {"code": "')],
    ids=lambda value: getattr(value, "name", ""),
)
@pytest.mark.parametrize("error", _API_ERRORS)
def test_render_error__every_error_of_the_api__has_a_code(
    error: type[ApiError], dialect: Dialect, beginning: bytes
) -> None:
    raised = error.__new__(error)
    raised.args = ("half a \ud800 surrogate",)

    body = dialect.render_error(raised, "an-id")

    assert body.startswith(beginning)
