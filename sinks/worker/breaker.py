"""Calls to one target in; while it is down, one probe at a time out."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from runtime.errors import RateLimitedError, RecordError, TransientError

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(slots=True)
class Breaker:
    """
    Opens when *threshold* different keys fail in a row, closes when one call succeeds.

    Different keys, because one record that always times out says nothing of the target and must
    not hold up the others. While open, calls go one at a time with a growing pause before each;
    a target that asks for fewer calls (429) opens it at once, for as long as it asked.
    """

    target: str
    threshold: int = 4
    first: float = 0.2
    ceiling: float = 5.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _failed: set[str] = field(default_factory=set)
    _open: bool = False
    _pause: float = 0.0
    _probe: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def is_open(self) -> bool:
        """Whether the target is taken to be down."""
        return self._open

    async def __call__(self, key: str, call: Callable[[], Awaitable[T]]) -> T:
        """Call, now or when it is this key's turn to probe."""
        if not self._open:
            return await self._try(key, call)
        async with self._probe:
            if self._open:
                await self.sleep(self._pause)
                return await self._try(key, call)
        return await self._try(key, call)

    async def _try(self, key: str, call: Callable[[], Awaitable[T]]) -> T:
        try:
            answer = await call()
        except TransientError as error:
            self._note_failure(key, error)
            raise
        except RecordError:
            self._note_answer()  # a refusal is an answer
            raise
        self._note_answer()
        return answer

    def _note_failure(self, key: str, error: TransientError) -> None:
        self._failed.add(key)
        asked = error.retry_after or 0.0
        if self._open:
            self._pause = max(min(self._pause * 2, self.ceiling), asked)
        elif len(self._failed) >= self.threshold or isinstance(error, RateLimitedError):
            self._open = True
            self._pause = max(self.first, asked)
            log.warning(
                "target is down, one probe at a time",
                extra={"target": self.target, "reason": str(error)},
            )

    def _note_answer(self) -> None:
        self._failed.clear()
        if self._open:
            self._open = False
            log.warning("target is back", extra={"target": self.target})
