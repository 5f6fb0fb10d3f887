"""What Tryton answers becomes one of the three kinds of errors, with its own sentence."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
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
from sinks.tryton import encoding
from sinks.tryton.client import TrytonClient

Answer = Callable[[httpx.Request], httpx.Response]
LOGIN = {"common.db.login": [4, "token", None], "model.res.user.get_preferences": {"company": 1}}


def client(answer: Answer, rpc: Answer | None = None) -> TrytonClient:
    """A client whose REST calls get *answer*; the login works."""

    def handle(request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith("/rpc/"):
            return answer(request)
        method = encoding.loads(request.content)["method"]
        if method in LOGIN:
            return httpx.Response(200, content=encoding.dumps({"id": 1, "result": LOGIN[method]}))
        assert rpc is not None
        return rpc(request)

    transport = httpx.MockTransport(handle)
    return TrytonClient("http://erp", "erp", "key", "syncline", "secret", transport=transport)


def always(status: int, **kwargs: Any) -> Answer:
    """One answer to everything."""
    return lambda _request: httpx.Response(status, **kwargs)


def lost(error: type[httpx.TransportError]) -> Answer:
    """No answer."""

    def handle(request: httpx.Request) -> httpx.Response:
        raise error("gone", request=request)

    return handle


REFUSAL = {"status": 400, "message": 'A value is required for field "City".', "description": ""}
NO_RIGHT = {"status": 400, "message": 'You are not allowed to access "Party".'}


@pytest.mark.parametrize(
    ("answer", "expected", "sentence"),
    [
        (always(400, json=REFUSAL), RejectedError, 'A value is required for field "City"'),
        (always(400, json=NO_RIGHT), ConfigurationError, "the ERP user may not do this"),
        (always(401), ConfigurationError, "tryton.api_key"),
        (always(403), ConfigurationError, "tryton.api_key"),
        (always(404), RejectedError, "does not have it"),
        (always(429), RateLimitedError, "fewer calls"),
        (always(500, text="<h1>E</h1><p>no field &#39;x&#39;</p>"), RejectedError, "no field 'x'"),
        (always(502), UnknownOutcomeError, "no answer"),
        (always(503, text="<p>could not serialize</p>"), UnavailableError, "not serialize"),
        (always(504), UnknownOutcomeError, "no answer"),
        (lost(httpx.ConnectError), UnavailableError, "does not answer"),
        (lost(httpx.ConnectTimeout), UnavailableError, "does not answer"),
        (lost(httpx.ReadTimeout), UnknownOutcomeError, "no answer"),
        (lost(httpx.ReadError), UnknownOutcomeError, "no answer"),
        (lost(httpx.RemoteProtocolError), UnknownOutcomeError, "no answer"),
    ],
)
async def test_a_write_fails_as_one_of_three_kinds(
    answer: Answer, expected: type[PlatformError], sentence: str
) -> None:
    """By what to do about it."""
    with pytest.raises(expected, match=sentence) as caught:
        await client(answer).create("party.party", {"name": "Ada"}, ["name"])
    assert type(caught.value) is expected


async def test_a_read_has_no_unknown_outcome() -> None:
    """Asking again is always safe."""
    with pytest.raises(UnavailableError):
        await client(lost(httpx.ReadTimeout)).search("party.party", [], ["name"])


async def test_decimals_and_dates_survive_the_way_there_and_back() -> None:
    """Money is decimal from row to API (Invariant 8)."""
    seen: list[Any] = []

    def echo(request: httpx.Request) -> httpx.Response:
        seen.append(encoding.loads(request.content))
        return httpx.Response(200, content=request.content)

    values = {"amount": Decimal("18.94786730"), "date": dt.date(2026, 11, 24), "lines": [["add"]]}
    assert await client(echo).create("account.payment", values, ["amount"]) == values
    assert seen == [values]


async def test_a_session_that_has_expired_is_renewed_once() -> None:
    """The wizard runs all the same; a second refusal is a setting."""
    refusals = [401]

    def rpc(_request: httpx.Request) -> httpx.Response:
        if refusals:
            return httpx.Response(refusals.pop())
        return httpx.Response(200, json={"id": 1, "result": [9, "process", "end"]})

    erp = client(always(200), rpc)
    await erp.wizard("account.payment.process", "account.payment", [7])
    refusals += [401, 401]
    with pytest.raises(ConfigurationError):
        await erp.wizard("account.payment.process", "account.payment", [7])


async def test_a_wizard_session_that_the_erp_swept_away_is_begun_anew() -> None:
    """It is used again to save calls, and not trusted to live for ever."""
    methods: list[str] = []

    def rpc(request: httpx.Request) -> httpx.Response:
        method = encoding.loads(request.content)["method"].rpartition(".")[2]
        methods.append(method)
        if methods == ["create", "execute", "execute"]:
            error = ["UserError", ["Records not found", "", None]]
            return httpx.Response(200, json={"id": 1, "error": error})
        return httpx.Response(200, json={"id": 1, "result": [9, "process", "end"]})

    erp = client(always(200), rpc)
    await erp.wizard("account.payment.process", "account.payment", [7])
    await erp.wizard("account.payment.process", "account.payment", [8])

    assert methods == ["create", "execute", "execute", "create", "execute"]


async def test_a_user_without_a_company_is_told_to_get_one() -> None:
    """Nothing could be created for it."""

    def handle(request: httpx.Request) -> httpx.Response:
        method = encoding.loads(request.content)["method"]
        result: Any = {} if "preferences" in method else [4, "token", None]
        return httpx.Response(200, json={"id": 1, "result": result})

    erp = TrytonClient(
        "http://erp", "erp", "key", "syncline", "s", transport=httpx.MockTransport(handle)
    )
    with pytest.raises(ConfigurationError, match="works for no company"):
        await erp.company()
