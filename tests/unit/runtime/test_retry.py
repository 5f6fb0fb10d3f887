"""Transient errors are waited out; the others are not."""

import pytest

from runtime.errors import RateLimitedError, RejectedError, TransientError, UnavailableError
from runtime.retry import Backoff


class Waits:
    """A sleep that only remembers."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


class Flaky:
    """Fails in the given ways, then answers."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)

    async def __call__(self) -> str:
        if self.failures:
            raise self.failures.pop(0)
        return "done"


async def test_a_transient_error_is_tried_again() -> None:
    """As often as it takes, with waits that stay below the ceiling."""
    sleep = Waits()
    heard: list[tuple[int, TransientError]] = []
    backoff = Backoff(ceiling=1.0, sleep=sleep, on_retry=lambda n, e: heard.append((n, e)))

    answer = await backoff(Flaky(*(UnavailableError("503") for _ in range(20))))

    assert answer == "done"
    assert len(sleep.seconds) == 20
    assert max(sleep.seconds) <= 1.0
    assert [number for number, _ in heard] == list(range(1, 21))


async def test_the_wait_that_was_asked_for_is_kept() -> None:
    """Retry-After wins over our own idea."""
    sleep = Waits()

    await Backoff(sleep=sleep)(Flaky(RateLimitedError("429", retry_after=7)))

    assert sleep.seconds == [7]


async def test_a_refusal_is_not_tried_again() -> None:
    """The record will never succeed as it is."""
    sleep = Waits()

    with pytest.raises(RejectedError):
        await Backoff(sleep=sleep)(Flaky(RejectedError("400")))

    assert not sleep.seconds
