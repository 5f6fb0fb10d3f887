"""Every answer of the schema registry has one meaning."""

import json

import httpx
import pytest

from runtime.errors import (
    ConfigurationError,
    IncompatibleSchemaError,
    PlatformError,
    UnavailableError,
)
from runtime.registry import SchemaRegistry

SCHEMA = {"type": "string"}


def registry(handler: httpx.MockTransport) -> SchemaRegistry:
    """A registry that is a function."""
    return SchemaRegistry("http://registry/apis/ccompat/v7/", handler)


def test_the_rule_is_set_before_the_schema_and_the_number_is_remembered() -> None:
    """Two calls the first time, none the second."""
    calls: list[tuple[str, str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        calls.append((request.method, request.url.path))
        return httpx.Response(200, json={"id": 7})

    known = registry(httpx.MockTransport(answer))
    numbers = {known.register("a-value", SCHEMA) for _ in range(2)}

    assert numbers == {7}
    assert calls == [
        ("PUT", "/apis/ccompat/v7/config/a-value"),
        ("POST", "/apis/ccompat/v7/subjects/a-value/versions"),
    ]
    assert known.schema(7) == SCHEMA


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (409, IncompatibleSchemaError),
        (422, ConfigurationError),
        (500, UnavailableError),
        (503, UnavailableError),
    ],
)
def test_outcomes(status: int, error: type[PlatformError]) -> None:
    """A status code becomes the error that says what to do."""
    known = registry(httpx.MockTransport(lambda _request: httpx.Response(status)))

    with pytest.raises(error):
        known.register("a-value", SCHEMA)


def test_a_registry_that_is_down_is_a_transient_error() -> None:
    """No answer is no refusal."""

    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with pytest.raises(UnavailableError, match="is it up"):
        registry(httpx.MockTransport(refuse)).schema(1)


def test_a_schema_is_read_once() -> None:
    """A number never changes its schema."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(200, json={"schema": json.dumps(SCHEMA)})

    known = registry(httpx.MockTransport(answer))

    assert [known.schema(3), known.schema(3)] == [SCHEMA, SCHEMA]
    assert len(asked) == 1


def test_another_worker_may_set_the_rule_in_the_same_moment() -> None:
    """Two workers that start together agree; the refusal says only that the rule is there."""

    def answer(request: httpx.Request) -> httpx.Response:
        match request.method, request.url.path.rsplit("/", 2)[-2]:
            case "PUT", "config":
                return httpx.Response(409, text="A rule named 'COMPATIBILITY' already exists.")
            case "GET", "config":
                return httpx.Response(200, json={"compatibilityLevel": "BACKWARD_TRANSITIVE"})
        return httpx.Response(200, json={"id": 4})

    assert registry(httpx.MockTransport(answer)).register("a-value", SCHEMA) == 4
