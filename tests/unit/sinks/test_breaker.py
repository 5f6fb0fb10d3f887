"""A target that is down is asked by one call at a time; a record that is slow opens nothing."""

import asyncio

import pytest

from runtime.errors import RateLimitedError, RejectedError, UnavailableError
from sinks.worker import Breaker


class Target:
    """Counts calls, and how many run at once."""

    def __init__(self) -> None:
        self.down: Exception | None = UnavailableError("503")
        self.calls = 0
        self.now = 0
        self.most = 0

    async def __call__(self) -> str:
        self.calls += 1
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0)
        self.now -= 1
        if self.down is not None:
            raise self.down
        return "ok"


async def fail(breaker: Breaker, target: Target, *keys: str) -> None:
    """Call for each key, in vain."""
    for key in keys:
        with pytest.raises(UnavailableError):
            await breaker(key, target)


async def test_it_opens_when_different_keys_fail_in_a_row() -> None:
    """Then calls go one at a time."""
    breaker, target = Breaker("erp", threshold=3, first=0), Target()
    await fail(breaker, target, "a", "b", "c")
    assert breaker.is_open

    target.most = 0
    await asyncio.gather(*(breaker(f"k{n}", target) for n in range(20)), return_exceptions=True)
    assert target.most == 1


async def test_one_record_that_always_fails_opens_nothing() -> None:
    """It says nothing of the target and must not hold up the others."""
    breaker, target = Breaker("erp", threshold=3, first=0), Target()
    await fail(breaker, target, *["a"] * 50)
    assert not breaker.is_open


async def test_it_closes_when_a_probe_succeeds() -> None:
    """One answer, even a refusal, proves that the target is back."""
    breaker, target = Breaker("erp", threshold=2, first=0), Target()
    await fail(breaker, target, "a", "b")
    target.down = RejectedError("400")
    with pytest.raises(RejectedError):
        await breaker("c", target)
    assert not breaker.is_open

    target.down = None
    assert await breaker("a", target) == "ok"


async def test_a_target_that_asks_for_fewer_calls_gets_its_pause() -> None:
    """Retry-After is kept for all keys, from the first 429 on."""
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    breaker, target = Breaker("erp", sleep=sleep), Target()
    target.down = RateLimitedError("429", retry_after=7)
    with pytest.raises(RateLimitedError):
        await breaker("a", target)
    target.down = None
    await breaker("b", target)

    assert pauses == [7]
