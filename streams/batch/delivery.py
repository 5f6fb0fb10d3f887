"""Records to produce go in; a call comes back when the broker has confirmed them all."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from runtime.errors import FatalError
from streams.batch.records import Headers, Outgoing

DEPTH = 8  # batches whose records are under way at once


class DeliveryError(FatalError):
    """The broker did not take a record."""


class Producer(Protocol):
    """A producer that confirms; *on_delivery* may be called from any thread."""

    def send(  # noqa: PLR0913 - a record has these parts
        self,
        topic: str,
        *,
        key: bytes | None,
        value: bytes | None,
        headers: Headers,
        partition: int | None,
        on_delivery: Callable[[str | None], None],
    ) -> None:
        """Queue one record; *on_delivery* gets None, or why it was not taken."""
        ...

    def partitions(self, topic: str) -> int:
        """How many partitions *topic* has; 0 when there is no such topic."""
        ...

    def purge(self) -> None:
        """Throw away what was not sent yet."""
        ...


class _Delivery:
    """How many records of one outbox the broker still owes an answer for."""

    __slots__ = ("error", "left", "report")

    def __init__(self, left: int, report: Callable[["_Delivery"], None]) -> None:
        self.left = left
        self.error: str | None = None
        self.report = report

    def confirm(self, error: str | None) -> None:
        self.left -= 1
        if error is not None and self.error is None:
            self.error = error
            self.report(self)
        elif self.left == 0 and self.error is None:
            self.report(self)


class Deliveries:
    """
    Produces outboxes and tells when each is durable (Invariant 1).

    A delivery that fails is fatal: *failed* is called once, and nothing counts as durable after.
    """

    def __init__(
        self, producer: Producer, failed: Callable[[DeliveryError], None], *, depth: int = DEPTH
    ) -> None:
        self.producer = producer
        self.open = 0
        self._failed = failed
        self._depth = depth
        self._broken = False
        self._changed = asyncio.Event()

    async def send(self, messages: Sequence[Outgoing], durable: Callable[[], None]) -> None:
        """Produce *messages*, call *durable* later; waits while too much is under way."""
        if not messages:
            durable()
            return
        self.open += 1
        loop = asyncio.get_running_loop()

        def report(delivery: _Delivery) -> None:
            loop.call_soon_threadsafe(self._settle, delivery, durable)

        delivery = _Delivery(len(messages), report)
        for message in messages:
            self.producer.send(
                message.topic,
                key=message.key,
                value=message.value,
                headers=message.headers,
                partition=message.partition,
                on_delivery=delivery.confirm,
            )
        await self._wait_until(lambda: self.open < self._depth)

    async def drain(self, seconds: float) -> bool:
        """Wait until nothing is under way; False when it took too long."""
        try:
            async with asyncio.timeout(seconds):
                await self._wait_until(lambda: self.open == 0)
        except TimeoutError:
            return False
        return not self._broken

    def _settle(self, delivery: _Delivery, durable: Callable[[], None]) -> None:
        self.open -= 1
        self._changed.set()
        if delivery.error is not None and not self._broken:
            self._broken = True
            self._failed(DeliveryError(f"a record was not taken by the broker: {delivery.error}"))
        elif not self._broken:
            durable()

    async def _wait_until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._changed.clear()
            await self._changed.wait()
