"""What Vendure answers, with 200 to nearly everything, becomes one of the three kinds of errors."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from runtime.errors import (
    ConfigurationError,
    PlatformError,
    RateLimitedError,
    RejectedError,
    UnavailableError,
    UnknownOutcomeError,
)
from sinks.vendure.client import VendureClient

Answer = Callable[[httpx.Request], httpx.Response]


def client(answer: Answer) -> VendureClient:
    """A client whose calls get *answer*; the login works."""

    def handle(request: httpx.Request) -> httpx.Response:
        if "login(" in json.loads(request.content)["query"]:
            login = {"data": {"login": {"__typename": "CurrentUser"}}}
            return httpx.Response(200, json=login, headers={"vendure-auth-token": "t"})
        return answer(request)

    transport = httpx.MockTransport(handle)
    return VendureClient("http://shop/admin-api", "syncline", "right", transport=transport)


def always(status: int, **kwargs: Any) -> Answer:
    """One answer to everything."""
    return lambda _request: httpx.Response(status, **kwargs)


def problem(code: str | None, message: str = "no", status: int = 200) -> Answer:
    """A GraphQL error."""
    extensions = {"code": code} if code else {}
    error = {"message": message, "extensions": extensions}
    return always(status, json={"errors": [error], "data": None})


def lost(request: httpx.Request) -> httpx.Response:
    """No answer."""
    raise httpx.ReadTimeout("gone", request=request)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (problem("ENTITY_NOT_FOUND"), RejectedError),
        (problem("USER_INPUT_ERROR"), RejectedError),
        (problem("BAD_USER_INPUT"), RejectedError),
        (problem(None, 'invalid input syntax for type integer: "10.5"'), RejectedError),
        (problem(None, "deadlock detected"), UnavailableError),
        (problem(None, "Connection terminated unexpectedly"), UnavailableError),
        (problem("INTERNAL_SERVER_ERROR"), UnavailableError),
        (problem("GRAPHQL_VALIDATION_FAILED", status=400), ConfigurationError),
        (problem("FORBIDDEN"), ConfigurationError),
        (always(401), ConfigurationError),
        (always(429), RateLimitedError),
        (always(500), UnavailableError),
        (always(502), UnknownOutcomeError),
        (always(503), UnavailableError),
        (always(200, text="<html>welcome</html>"), UnavailableError),
        (lost, UnknownOutcomeError),
        (
            always(200, json={"data": {"x": {"errorCode": "X_ERROR", "message": "no"}}}),
            RejectedError,
        ),
    ],
)
async def test_a_mutation_fails_as_one_of_three_kinds(
    answer: Answer, expected: type[PlatformError]
) -> None:
    """By what to do about it."""
    with pytest.raises(expected) as caught:
        await client(answer).mutate("mutation { x }")
    assert isinstance(caught.value, expected)


async def test_a_session_that_is_forbidden_is_renewed_once() -> None:
    """And the call goes through with the new one."""
    answers = [problem("FORBIDDEN"), always(200, json={"data": {"x": 1}})]

    def next_answer(request: httpx.Request) -> httpx.Response:
        return answers.pop(0)(request)

    assert await client(next_answer).query("{ x }") == {"x": 1}
    assert not answers


async def test_a_write_carries_its_mark() -> None:
    """The shop puts it into the same transaction (Invariant 6)."""
    seen: list[str | None] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("x-sync-id"))
        return httpx.Response(200, json={"data": {"x": 1}})

    shop = client(answer)
    await shop.mutate("mutation { x }", sync_id="stock:7")
    await shop.query("{ x }")
    assert seen == ["stock:7", None]
