"""What waits side by side is written together; a bad record ends up alone."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from runtime.errors import RecordError, UnavailableError
from sinks.sink import Applied
from sinks.worker import Batched
from tests.unit.sinks.fakes import (
    FakeBatchSink,
    FakeInbox,
    FakeSink,
    Published,
    Running,
    breaker,
    incoming,
    place,
    quiet,
    worker,
)


@contextmanager
def writing() -> Iterator[None]:
    """Nobody drains here."""
    yield


async def test_what_waits_while_a_batch_is_under_way_is_the_next_batch() -> None:
    """A lone record goes at once; nothing overlaps."""
    sink = FakeBatchSink()
    sink.held = asyncio.Event()
    batched: Batched[Any] = Batched(sink, breaker(), at_most=3)
    first = asyncio.create_task(batched("a", {}, writing))
    await quiet()
    others = [asyncio.create_task(batched(key, {}, writing)) for key in "bcde"]
    await quiet()
    assert sink.batches == [["a"]]
    sink.held.set()
    await asyncio.gather(first, *others)

    assert sink.batches == [["a"], ["b", "c", "d"], ["e"]]


async def test_a_refused_batch_is_cut_until_the_bad_record_stands_alone() -> None:
    """Its neighbours are written."""
    sink = FakeBatchSink("k5")
    batched: Batched[Any] = Batched(sink, breaker(), at_most=8)
    answers = await asyncio.gather(
        *(batched(f"k{n}", {}, writing) for n in range(8)), return_exceptions=True
    )

    assert [isinstance(answer, RecordError) for answer in answers] == [n == 5 for n in range(8)]
    assert "refused: one of ['k5']" in str(answers[5])


async def test_a_batch_that_got_no_answer_fails_for_all_in_it() -> None:
    """Each lane then waits and tries again."""

    class Down:
        async def write_many(
            self, _records: Mapping[str, Any]
        ) -> Mapping[str, Applied | RecordError]:
            raise UnavailableError("503")

    batched: Batched[Any] = Batched(Down(), breaker())
    answers = await asyncio.gather(
        *(batched(key, {}, writing) for key in "abc"), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [UnavailableError] * 3


async def test_an_error_nobody_expected_reaches_all_who_wait() -> None:
    """No lane hangs on a bug."""

    class Broken:
        async def write_many(
            self, _records: Mapping[str, Any]
        ) -> Mapping[str, Applied | RecordError]:
            raise KeyError("id")

    batched: Batched[Any] = Batched(Broken(), breaker(), at_most=1)
    with pytest.raises(KeyError):
        await asyncio.gather(batched("a", {}, writing), batched("b", {}, writing))


async def test_the_worker_writes_a_topic_in_batches() -> None:
    """All lanes of one fetched run share a call, and the bad one is a dead letter."""
    sink = FakeBatchSink("k7")
    inbox, published = FakeInbox(*(incoming(n, f"k{n}") for n in range(20))), Published()
    under_test = worker(
        inbox,
        FakeSink(),
        published,
        kind="state",
        apply=Batched(sink, breaker(), at_most=50),
    )
    async with Running(under_test) as running:
        await running.until(lambda: inbox.committed.get(place()) == 20)

    assert len(published.ledger()) == 19
    assert [key for key, _ in published.dead()] == [b"k7"]
    assert max(len(batch) for batch in sink.batches) > 5
