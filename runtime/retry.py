"""A call that may fail for a while in, its answer out: waiting, as a value."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    wait_random_exponential,
)

from runtime.errors import TransientError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Backoff:
    """
    Exponential waits with full jitter, for as long as the error is transient.

    There is no last attempt: a target that is down holds its records back and shows up as
    consumer lag, which is what the alert watches. A wait that the other side asked for
    (``Retry-After``) is kept. *on_retry* hears of each failed attempt, with its number.
    """

    first: float = 0.2
    ceiling: float = 30.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    on_retry: Callable[[int, TransientError], None] = lambda _attempt, _error: None

    async def __call__(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Call *attempt* until it succeeds or fails for good."""
        jitter = wait_random_exponential(multiplier=self.first, max=self.ceiling)

        def wait(state: RetryCallState) -> float:
            error = state.outcome and state.outcome.exception()
            asked = error.retry_after if isinstance(error, TransientError) else None
            return jitter(state) if asked is None else asked

        def tell(state: RetryCallState) -> None:
            error = state.outcome and state.outcome.exception()
            if isinstance(error, TransientError):
                self.on_retry(state.attempt_number, error)

        retrying = AsyncRetrying(
            retry=retry_if_exception_type(TransientError),
            wait=wait,
            sleep=self.sleep,
            before_sleep=tell,
            reraise=True,
        )
        return await retrying(attempt)
