"""
GraphQL calls in, Vendure's data or one of the three kinds of errors out.

Vendure answers 200 to nearly everything: what went wrong stands in ``errors[0].extensions.code``
or in an ErrorResult inside the data. What each means is decided here, and only here.
"""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from aiolimiter import AsyncLimiter

from runtime.errors import (
    ConfigurationError,
    PlatformError,
    RateLimitedError,
    RejectedError,
    UnavailableError,
    UnknownOutcomeError,
)

Data = dict[str, Any]

# Sent or not, the shop cannot have seen the call.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_TOKEN = "vendure-auth-token"  # noqa: S105 - the name of a header
# Without a code, it is PostgreSQL that speaks: of something that passes, or of the record.
_PASSING = re.compile(
    r"deadlock|serializ|timeout|timed out|connection|ECONN|shutting down|starting up|read-only",
    re.IGNORECASE,
)
_LOGIN = """
mutation ($username: String!, $password: String!) {
  login(username: $username, password: $password, rememberMe: true) {
    __typename
    ... on ErrorResult { errorCode message }
  }
}
"""


class ForbiddenError(ConfigurationError):
    """The shop does not know our session, or does not let it do this."""


@dataclass(slots=True)
class VendureClient:
    """
    The admin API of one shop, as the administrator whose name and password these are.

    Raises UnknownOutcomeError when a mutation was sent and no answer came: read, then decide.
    """

    admin_api: str
    username: str
    password: str
    calls_per_second: float = 100
    timeout_seconds: float = 30
    transport: httpx.AsyncBaseTransport | None = None
    _http: httpx.AsyncClient = field(init=False)
    _limiter: AsyncLimiter = field(init=False)
    _token: str | None = None
    _login: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self._http = httpx.AsyncClient(
            timeout=httpx.Timeout(self.timeout_seconds, connect=5), transport=self.transport
        )
        self._limiter = AsyncLimiter(max(self.calls_per_second, 1), 1)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    async def query(self, document: str, **variables: Any) -> Data:
        """Ask; changes nothing."""
        return await self._authorised(document, variables, writes=False, sync_id=None)

    async def mutate(self, document: str, *, sync_id: str | None = None, **variables: Any) -> Data:
        """Change; *sync_id* marks the transaction in the shop's own log (Invariant 6)."""
        return await self._authorised(document, variables, writes=True, sync_id=sync_id)

    async def _authorised(
        self, document: str, variables: Mapping[str, Any], *, writes: bool, sync_id: str | None
    ) -> Data:
        """Call with our session; one that has expired is renewed once."""
        token = await self._log_in(None)
        try:
            return await self._send(document, variables, writes=writes, sync_id=sync_id)
        except ForbiddenError:
            await self._log_in(token)
            return await self._send(document, variables, writes=writes, sync_id=sync_id)

    async def _log_in(self, refused: str | None) -> str:
        """The session's token; a new one when the known one is *refused*."""
        async with self._login:
            if self._token is not None and self._token != refused:
                return self._token
            self._token = None
            variables = {"username": self.username, "password": self.password}
            try:
                await self._send(_LOGIN, variables, writes=False, sync_id=None)
            except RejectedError as error:
                raise ConfigurationError(
                    f"the shop refuses vendure.username {self.username}: {error}"
                ) from error
            if self._token is None:
                raise ConfigurationError(
                    "the shop sent no token: its authOptions.tokenMethod must allow 'bearer'"
                )
            return self._token

    async def _send(
        self, document: str, variables: Mapping[str, Any], *, writes: bool, sync_id: str | None
    ) -> Data:
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        if sync_id is not None:
            headers["x-sync-id"] = sync_id
        body = {"query": document, "variables": dict(variables)}
        async with self._limiter:
            try:
                response = await self._http.post(self.admin_api, json=body, headers=headers)
            except _NOT_SENT as error:
                raise UnavailableError(
                    f"the shop at {self.admin_api} does not answer: {error!r}"
                ) from error
            except httpx.TransportError as error:
                kind = UnknownOutcomeError if writes else UnavailableError
                raise kind(f"no answer from the shop: {error!r}") from error
        self._token = response.headers.get(_TOKEN) or self._token
        return _data(response, writes=writes)


def _data(response: httpx.Response, *, writes: bool) -> Data:
    """The data of *response*; raises the error that it stands for."""
    match response.status_code:
        case 200 | 400:
            pass
        case 401 | 403:
            raise ForbiddenError(f"the shop refuses our credentials ({response.status_code})")
        case 429:
            raise RateLimitedError(
                "the shop asks for fewer calls", retry_after=_retry_after(response)
            )
        case 502 | 504:
            kind = UnknownOutcomeError if writes else UnavailableError
            raise kind(f"no answer from the shop behind its proxy ({response.status_code})")
        case status:
            raise UnavailableError(
                f"the shop is busy or down ({status} {response.text[:200]})",
                retry_after=_retry_after(response),
            )
    try:
        answer = response.json()
    except ValueError as error:
        raise UnavailableError(
            f"vendure.admin_api: no GraphQL answer but {response.text[:100]!r}"
        ) from error
    for problem in answer.get("errors") or ():
        raise _meaning(problem)
    data: Data = answer["data"]
    for name, result in data.items():
        if isinstance(result, dict) and result.get("errorCode"):
            raise RejectedError(
                f"the shop refused {name}: {result.get('message')} ({result['errorCode']})"
            )
    return data


def _meaning(problem: Mapping[str, Any]) -> PlatformError:
    code = (problem.get("extensions") or {}).get("code")
    message = problem.get("message")
    match code:
        case "FORBIDDEN":
            return ForbiddenError(f"the shop says: {message}; see vendure.username and its role")
        case "GRAPHQL_VALIDATION_FAILED" | "GRAPHQL_PARSE_FAILED":
            return ConfigurationError(f"the shop's API is not the one we know: {message}")
        case "INTERNAL_SERVER_ERROR":
            return UnavailableError(f"the shop failed: {message}; its log tells more")
    if code is None and _PASSING.search(str(message)):
        return UnavailableError(f"the shop's database says: {message}")
    # A refusal (USER_INPUT_ERROR, ENTITY_NOT_FOUND, BAD_USER_INPUT), or its database's own words.
    return RejectedError(f"the shop refused: {message} ({code})")


def _retry_after(response: httpx.Response) -> float | None:
    text = response.headers.get("Retry-After", "")
    return float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else None
