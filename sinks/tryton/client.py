"""
Calls in, Tryton's answers or one of the three kinds of errors out.

Tryton 8 speaks REST (a key per application) for records and buttons, and JSON-RPC (a session) for
wizards, on one port. What an HTTP outcome means is decided here, and only here.
"""

import asyncio
import base64
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
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
from sinks.tryton import encoding

Record = dict[str, Any]
Domain = Sequence[Any]

# Sent or not, the ERP cannot have seen the call.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_NO_RIGHT = "You are not allowed to access"  # in the language that we ask for
_UNAUTHORISED = "the ERP refuses our credentials; see tryton.api_key, .username and .password"


@dataclass(slots=True)
class TrytonClient:
    """
    One Tryton database, as the user whose key and password these are.

    Raises UnknownOutcomeError when a write was sent and no answer came: look up what happened,
    then try again (Invariant 4).
    """

    url: str
    database: str
    api_key: str
    username: str
    password: str
    calls_per_second: float = 50
    timeout_seconds: float = 30
    transport: httpx.AsyncBaseTransport | None = None
    _http: httpx.AsyncClient = field(init=False)
    _limiter: AsyncLimiter = field(init=False)
    _session: str | None = None
    _preferences: Record = field(default_factory=dict)
    _wizards: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    _login: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self._http = httpx.AsyncClient(
            base_url=f"{self.url.rstrip('/')}/{self.database}/",
            timeout=httpx.Timeout(self.timeout_seconds, connect=5),
            headers={"Accept": "application/json", "Content-Type": "application/json"},
            transport=self.transport,
        )
        self._limiter = AsyncLimiter(max(self.calls_per_second, 1), 1)

    async def close(self) -> None:
        """Let go of what the ERP keeps for us, and of the connections."""
        with suppress(PlatformError, TimeoutError):  # the ERP may be down; it is only tidying
            async with asyncio.timeout(2):
                for name, sessions in self._wizards.items():
                    for session, _ in sessions:
                        await self._rpc(f"wizard.{name}.delete", [session], {})
        await self._http.aclose()

    async def search(
        self, model: str, domain: Domain, fields: Sequence[str], *, limit: int | None = None
    ) -> list[Record]:
        """Records of *model* that match; dotted *fields* bring their neighbours along."""
        params = [("d", encoding.base64url(domain)), *(("f", name) for name in fields)]
        if limit is not None:
            params.append(("s", str(limit)))
        found: list[Record] = await self._rest("GET", f"model/{model}", params=params)
        return found

    async def get(self, model: str, record_id: int, fields: Sequence[str]) -> Record:
        """One record by its id."""
        return await self._record("GET", f"model/{model}/{record_id}", fields)

    async def create(self, model: str, values: Record, fields: Sequence[str]) -> Record:
        """Make one record, its nested ones included, in one transaction."""
        return await self._record("POST", f"model/{model}", fields, values)

    async def write(
        self, model: str, record_id: int, values: Record, fields: Sequence[str]
    ) -> Record:
        """Change one record."""
        return await self._record("PUT", f"model/{model}/{record_id}", fields, values)

    async def press(self, model: str, record_id: int, button: str, fields: Sequence[str]) -> Record:
        """Press a button of a record, as a person would; read its state first."""
        return await self._record("POST", f"model/{model}/{record_id}/{button}", fields, {})

    async def wizard(self, name: str, model: str, record_ids: Sequence[int]) -> None:
        """
        Run a wizard that asks nothing, on some records: wizards have no REST.

        A wizard's session in the ERP is used again: that makes one call of three.
        """
        context = {
            "active_model": model,
            "active_id": record_ids[0],
            "active_ids": list(record_ids),
        }
        idle = self._wizards.setdefault(name, [])
        used = bool(idle)
        session, start = idle.pop() if idle else await self._begin_wizard(name)
        execute = f"wizard.{name}.execute"
        try:
            await self._rpc(execute, [session, {}, start], context)
        except RejectedError:
            if not used:
                raise
            # The ERP may have swept old sessions away; a new one tells whether it was that.
            session, start = await self._begin_wizard(name)
            await self._rpc(execute, [session, {}, start], context)
        idle.append((session, start))

    async def _begin_wizard(self, name: str) -> tuple[int, str]:
        session, start, _ = await self._rpc(f"wizard.{name}.create", [], {})
        return int(session), str(start)

    async def company(self) -> int:
        """The company that our user works for."""
        await self._log_in()
        company = self._preferences.get("company")
        if not company:
            raise ConfigurationError(
                f"tryton.username: the ERP user {self.username} works for no company; give it one"
            )
        return int(company)

    async def _record(
        self, method: str, path: str, fields: Sequence[str], values: Record | None = None
    ) -> Record:
        params = [("f", name) for name in fields]
        answer = await self._rest(method, path, params=params, body=values)
        return answer or {}

    async def _rest(
        self,
        method: str,
        path: str,
        *,
        params: Sequence[tuple[str, str]],
        body: Record | None = None,
    ) -> Any:
        context = {"company": await self.company(), "_skip_warnings": True, "active_test": False}
        headers = {
            "Authorization": f"Bearer {self.api_key}",
            "Accept-Language": "en",
            "X-Tryton-Context": encoding.base64url(context),
        }
        response = await self._send(
            method,
            f"rest/{path}",
            writes=method != "GET",
            params=params,
            headers=headers,
            body=body,
        )
        return encoding.loads(response.content) if response.content else None

    async def _log_in(self) -> None:
        if self._session is not None:
            return
        async with self._login:
            if self._session is not None:
                return
            answer = await self._call_rpc(
                "common.db.login", [self.username, {"password": self.password}, "en"], writes=False
            )
            if not answer:
                raise ConfigurationError(_UNAUTHORISED)
            user, token, *_ = answer
            identity = base64.b64encode(f"{self.username}:{user}:{token}".encode()).decode()
            session = f"Session {identity}"
            self._preferences = await self._call_rpc(
                "model.res.user.get_preferences", [True, {}], writes=False, session=session
            )
            self._session = session

    async def _rpc(self, method: str, params: Sequence[Any], context: Mapping[str, Any]) -> Any:
        """Call with our session; one that has expired is renewed once."""
        for last in (False, True):
            await self._log_in()
            everything = [*params, {**self._preferences, **context}]
            try:
                return await self._call_rpc(method, everything, writes=True, session=self._session)
            except ConfigurationError:
                self._session = None
                if last:
                    raise
        raise AssertionError  # the loop returns or raises

    async def _call_rpc(
        self, method: str, params: Sequence[Any], *, writes: bool, session: str | None = None
    ) -> Any:
        response = await self._send(
            "POST",
            "rpc/",
            writes=writes,
            headers={"Authorization": session} if session else {},
            body={"id": 1, "method": method, "params": params},
        )
        answer = encoding.loads(response.content)
        if isinstance(answer, dict) and answer.get("error"):
            raise _rpc_meaning(method, answer["error"])
        return answer["result"] if isinstance(answer, dict) else answer

    async def _send(  # noqa: PLR0913 - a request has these parts
        self,
        method: str,
        path: str,
        *,
        writes: bool,
        headers: Mapping[str, str],
        params: Sequence[tuple[str, str]] = (),
        body: Any = None,
    ) -> httpx.Response:
        content = None if body is None else encoding.dumps(body)
        async with self._limiter:
            try:
                response = await self._http.request(
                    method, path, params=tuple(params), content=content, headers=headers
                )
            except _NOT_SENT as error:
                raise UnavailableError(
                    f"the ERP at {self.url} does not answer: {error!r}"
                ) from error
            except httpx.TransportError as error:
                kind = UnknownOutcomeError if writes else UnavailableError
                raise kind(f"{method} {path}: no answer from the ERP: {error!r}") from error
        if response.is_success:
            return response
        raise _meaning(response, writes=writes)


def _meaning(response: httpx.Response, *, writes: bool) -> PlatformError:  # noqa: PLR0911 - a table
    """The error that *response* stands for."""
    said = encoding.sentence(response)
    call = f"{response.request.method} {response.request.url.path}: {response.status_code}"
    match response.status_code:
        case 401 | 403:
            return ConfigurationError(f"{_UNAUTHORISED} ({call} {said})")
        case 429:
            return RateLimitedError(
                f"the ERP asks for fewer calls ({call})", retry_after=_retry_after(response)
            )
        case 503:
            # A row was locked by another transaction, or the database is away: nothing was done.
            return UnavailableError(
                f"the ERP is busy or down ({call} {said})", retry_after=_retry_after(response)
            )
        case 502 | 504:
            kind = UnknownOutcomeError if writes else UnavailableError
            return kind(f"no answer from the ERP behind its proxy ({call})")
        case 400 if said.startswith(_NO_RIGHT):
            return ConfigurationError(f"the ERP user may not do this: {said}")
        case 400:
            return RejectedError(f"the ERP refused: {said}")
        case 404:
            return RejectedError(f"the ERP does not have it ({call})")
    return RejectedError(f"the ERP failed on it ({call}): {said}; its log tells more")


def _rpc_meaning(method: str, error: Sequence[Any]) -> PlatformError:
    name, *details = [*error, ""]
    said = details[0][0] if details and isinstance(details[0], list) and details[0] else details
    return RejectedError(f"the ERP refused {method}: {name}: {said}")


def _retry_after(response: httpx.Response) -> float | None:
    text = response.headers.get("Retry-After", "")
    return float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else None
