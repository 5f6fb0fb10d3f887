"""Connect's answers in, sentences out."""

from collections.abc import Callable

import httpx
import pytest

from ops.connect import Connect, cause
from ops.errors import OpsError

Handler = Callable[[httpx.Request], httpx.Response]


def _connect(handler: Handler) -> Connect:
    transport = httpx.MockTransport(handler)
    return Connect(httpx.Client(transport=transport, base_url="http://connect"))


def test_the_innermost_cause_of_a_trace_is_one_sentence() -> None:
    """A person reads what is wrong, not where in Java it surfaced."""
    trace = (
        "org.apache.kafka.connect.errors.ConnectException: Could not start\n"
        "\tat io.debezium.Task.start(Task.java:1)\n"
        "Caused by: org.postgresql.util.PSQLException: FATAL: password authentication failed\n"
        "\tat org.postgresql.Driver.connect(Driver.java:2)\n\t... 9 more\n"
    )

    assert cause(trace) == "FATAL: password authentication failed."


def test_an_equal_configuration_is_not_sent_again() -> None:
    """Connect would restart the connector for nothing."""
    calls: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        calls.append(request.method)
        return httpx.Response(200, json={"a": "1", "name": "erp"})

    assert _connect(handler).register("erp", {"a": "1"}) is False
    assert calls == ["GET"]


def test_a_changed_configuration_is_put() -> None:
    """PUT makes the connector or changes it: the same call does both."""

    def handler(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(404, json={"message": "none"})
        return httpx.Response(201, json={})

    assert _connect(handler).register("erp", {"a": "1"}) is True


def test_a_refusal_names_the_connector_and_the_reason() -> None:
    """Connect's own message is passed on."""

    def handler(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(404, json={})
        return httpx.Response(400, json={"message": "slot.name is\nempty"})

    with pytest.raises(OpsError, match=r"erp: Connect refuses .*slot.name is empty"):
        _connect(handler).register("erp", {})


def test_a_failed_task_is_reported_with_its_cause() -> None:
    """A connector that runs with a failed task does not run."""
    status = {
        "connector": {"state": "RUNNING"},
        "tasks": [{"state": "FAILED", "trace": "X: outer\n\tat y\nCaused by: a.BException: inner"}],
    }
    health = _connect(lambda _: httpx.Response(200, json=status)).health("erp")

    assert health is not None
    assert (health.state, health.cause) == ("FAILED", "inner.")


def test_a_connector_without_its_task_is_still_starting() -> None:
    """Rows flow only when the task runs."""
    status = {"connector": {"state": "RUNNING"}, "tasks": []}
    health = _connect(lambda _: httpx.Response(200, json=status)).health("erp")

    assert health is not None
    assert health.is_running is False


def test_connect_that_is_not_there_is_a_sentence() -> None:
    """The sentence says where it was looked for and what to ask."""

    def handler(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with pytest.raises(OpsError, match="Connect does not answer at http://connect"):
        _connect(handler).health("erp")
