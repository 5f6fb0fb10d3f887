"""Outboxes on their way: durable means that the broker confirmed every record."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from streams.batch import Outgoing
from streams.batch.delivery import Deliveries, DeliveryError

ONE = [Outgoing("out", b"k", b"v")]


@dataclass
class FakeProducer:
    """Confirms when it is told to."""

    waiting: list[Callable[[str | None], None]] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)

    def send(self, topic: str, *, on_delivery: Callable[[str | None], None], **_: Any) -> None:
        self.sent.append(topic)
        self.waiting.append(on_delivery)

    def partitions(self, topic: str) -> int:
        return len(topic)

    def purge(self) -> None:
        self.waiting.clear()


@dataclass
class Ends:
    """What was called back."""

    durable: int = 0
    failed: list[DeliveryError] = field(default_factory=list)

    def count(self) -> None:
        self.durable += 1


async def settled() -> None:
    """Let the loop take in what other threads reported."""
    for _ in range(3):
        await asyncio.sleep(0)


@pytest.fixture
def producer() -> FakeProducer:
    """A producer under control."""
    return FakeProducer()


@pytest.fixture
def ends() -> Ends:
    """Somewhere to look."""
    return Ends()


@pytest.fixture
def deliveries(producer: FakeProducer, ends: Ends) -> Deliveries:
    """Two outboxes at most under way."""
    return Deliveries(producer, ends.failed.append, depth=2)


async def test_durable_when_every_record_is(
    deliveries: Deliveries, producer: FakeProducer, ends: Ends
) -> None:
    """One of two confirmations is not enough."""
    await deliveries.send([*ONE, *ONE], ends.count)
    producer.waiting[0](None)
    await settled()
    assert ends.durable == 0

    producer.waiting[1](None)
    await settled()

    assert ends.durable == 1


async def test_an_empty_outbox_is_durable_at_once(deliveries: Deliveries, ends: Ends) -> None:
    """There is nothing to wait for."""
    await deliveries.send([], ends.count)

    assert ends.durable == 1


async def test_a_failed_record_is_fatal_and_nothing_is_durable_after(
    deliveries: Deliveries, producer: FakeProducer, ends: Ends
) -> None:
    """Later batches must not be committed past it."""
    await deliveries.send(ONE, ends.count)
    sending = asyncio.create_task(deliveries.send(ONE, ends.count))
    await settled()
    producer.waiting[0]("out: Local: Message timed out")
    producer.waiting[1](None)
    await settled()
    await sending

    assert ends.durable == 0
    assert [str(error) for error in ends.failed] == [
        "a record was not taken by the broker: out: Local: Message timed out"
    ]


async def test_sending_waits_while_much_is_under_way(
    deliveries: Deliveries, producer: FakeProducer, ends: Ends
) -> None:
    """A slow broker holds the agents back instead of filling the memory."""
    await deliveries.send(ONE, ends.count)
    second = asyncio.create_task(deliveries.send(ONE, ends.count))
    await settled()
    assert not second.done()

    producer.waiting[0](None)
    await second

    assert ends.durable == 1


async def test_draining_waits_for_confirmations(
    deliveries: Deliveries, producer: FakeProducer, ends: Ends
) -> None:
    """SIGTERM and a revoked partition wait for what is under way."""
    await deliveries.send(ONE, ends.count)
    draining = asyncio.create_task(deliveries.drain(60))
    await settled()
    assert not draining.done()

    producer.waiting[0](None)

    assert await draining
    assert ends.durable == 1


async def test_draining_gives_up_when_the_broker_is_silent(
    deliveries: Deliveries, ends: Ends
) -> None:
    """The caller then ends the worker."""
    await deliveries.send(ONE, ends.count)

    assert not await deliveries.drain(0)
