"""
Functions over batches in, a Faust app out.

    app = BatchApp("streams.orders", reading, producer=producer)
    orders = app.batch_table("orders")

    @app.batch_agent("cdc.vendure.order", tables=[orders])
    def fold(batch: Batch, out: Outbox) -> None: ...

What an agent sends and sets is produced when it has returned, and the batch is acknowledged
when the broker has confirmed all of it (Invariant 1). An error that leaves an agent, a sweep
or a delivery stops the worker, uncommitted.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from inspect import isawaitable
from types import TracebackType
from typing import Any, TypeVar

import faust
from faust.types import TP

from runtime.errors import ConfigurationError, FatalError
from streams.batch.delivery import Deliveries, DeliveryError, Producer
from streams.batch.outbox import Outbox
from streams.batch.pins import check_pins
from streams.batch.reading import Reading, faust_settings
from streams.batch.records import Batch
from streams.batch.recovery import BatchTableManager, ChangelogTable
from streams.batch.table import JSON, Codec, Table
from streams.batch.transport import BatchTransport
from streams.batch.watchdog import Watchdog

log = logging.getLogger(__name__)

Agent = Callable[[Batch, Outbox], Awaitable[None] | None]
Sweep = Callable[[int, Outbox], Awaitable[None] | None]
A = TypeVar("A", bound=Callable[..., Awaitable[None] | None])

PULSE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class _StopOnError:
    """An error in its block stops the worker and goes no further."""

    app: "BatchApp"

    async def __aenter__(self) -> None:
        pass

    async def __aexit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        await self.app.crash(error)
        return True


class BatchApp(faust.App):  # type: ignore[misc] # no type information
    """A Faust app whose agents read batches."""

    def __init__(self, name: str, reading: Reading, *, producer: Producer) -> None:
        check_pins()
        self.reading = reading
        self.deliveries = Deliveries(producer, self._delivery_failed)
        self.watchdog = Watchdog(reading.stuck_after, asleep=reading.session_timeout * 0.9)
        self._sources: dict[str, int | None] = {}
        self._sweeps: list[tuple[float, Sweep]] = []
        self._locks: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        super().__init__(name, TableManager=BatchTableManager, **faust_settings(reading))

    # What a program declares

    def batch_table(
        self, name: str, *, partitions: int | None = None, codec: Codec = JSON
    ) -> Table:
        """Declare a durable table; it is there, recovered, whenever an agent or sweep runs."""
        table = Table(name, f"{self.conf.id}-{name}-changelog", codec)
        cut = partitions or self.reading.partitions
        self.tables.add(ChangelogTable(self, table, partitions=cut))
        return table

    def batch_agent(
        self, *topics: str, tables: Sequence[Table] = (), name: str | None = None
    ) -> Callable[[A], A]:
        """Declare who reads *topics*; with *tables*, all must be cut in as many partitions."""
        for topic in topics:
            if topic in self._sources:
                raise ConfigurationError(f"{topic}: two agents of one app cannot both read it")
            self._sources[topic] = self._partitions(tables)

        def declare(fun: A) -> A:
            async def read(stream: Any) -> None:
                async for event in stream.noack().events():
                    await self._handle(event.value, fun)
                    event.ack()

            channel = self.topic(*topics, key_serializer="raw", value_serializer="raw")
            self.agent(channel, name=name or getattr(fun, "__name__", topics[0]))(read)
            return fun

        return declare

    def sweep(self, *, every: float, tables: Sequence[Table] = ()) -> Callable[[A], A]:
        """Declare what happens every *every* seconds for each partition of *tables* held here."""
        del tables  # says whose partitions are meant; all tables of an app are cut alike

        def declare(fun: A) -> A:
            self._sweeps.append((every, fun))
            return fun

        return declare

    def owned(self) -> frozenset[int]:
        """Partition numbers that are ours now, with their tables recovered."""
        if self.rebalancing or self.should_stop:
            return frozenset()
        places = self.consumer.assignment()
        return frozenset(place.partition for place in places if place.topic in self._sources)

    # What the package itself asks

    def check_topics(self) -> None:
        """
        Refuse to start where topics are missing or not cut alike.

        Raises:
            ConfigurationError: With the topic and the mend.
        """
        for topic, wanted in self._sources.items():
            found = self.deliveries.producer.partitions(topic)
            if not found:
                raise ConfigurationError(
                    f"{topic}: there is no such topic; `syncline topics apply` makes it"
                )
            if wanted is not None and found != wanted:
                raise ConfigurationError(
                    f"{topic}: it has {found} partitions and the tables it feeds have {wanted};"
                    " both must be cut alike, or a key's state is not where its records are"
                )

    def is_changelog(self, place: TP) -> bool:
        """Whether *place* holds a table rather than input."""
        return place.topic not in self._sources

    async def drain(self, seconds: float) -> None:
        """Let agents end their batch, and the broker confirm; waits at most *seconds*."""
        try:
            async with asyncio.timeout(seconds):
                for lock in list(self._locks.values()):
                    async with lock:
                        pass
        except TimeoutError:
            log.warning("an agent is still busy", extra={"waited_seconds": seconds})
        await self.deliveries.drain(seconds)

    def _new_transport(self) -> BatchTransport:
        return BatchTransport(self.conf.broker_consumer, self)

    # How a batch and a sweep run

    async def _handle(self, batch: Batch, agent: Agent) -> None:
        async with _StopOnError(self), self._locks[batch.partition]:
            out = Outbox()
            if self.should_stop or not batch.ticket.live:
                return  # it will be read again
            result = agent(batch, out)
            if isawaitable(result):
                await result
            if batch.ticket.live:
                done = partial(self.consumer.progress.settle, batch.ticket)
                await self._produce(out, done)

    async def _sweep_forever(self, every: float, sweep: Sweep) -> None:
        while not self.should_stop:
            await self.sleep(every)
            for partition in sorted(self.owned()):
                async with _StopOnError(self), self._locks[partition]:
                    await self._sweep_once(partition, sweep)

    async def _sweep_once(self, partition: int, sweep: Sweep) -> None:
        generation, out = self.consumer_generation_id, Outbox()

        def ours() -> bool:
            return generation == self.consumer_generation_id and partition in self.owned()

        if not ours():
            return
        result = sweep(partition, out)
        if isawaitable(result):
            await result
        # A batch that is cut short is read again, a sweep is not. So what it sends is durable
        # before its tables say that it was sent: after a crash it does it again (Invariant 2).
        if ours() and await self._sent(out) and ours():
            await self._produce(out, lambda: None)

    async def _sent(self, out: Outbox) -> bool:
        """Produce what was sent, tables left aside; False when it is not known to be durable."""
        sending = Outbox()
        sending.messages, out.messages = out.messages, sending.messages
        durable = asyncio.Event()
        await self._produce(sending, durable.set)
        while not durable.is_set() and not self.should_stop:
            with suppress(TimeoutError):
                await asyncio.wait_for(durable.wait(), PULSE_SECONDS)
        return durable.is_set()

    async def _produce(self, out: Outbox, durable: Callable[[], None]) -> None:
        if self.watchdog.overslept():
            raise FatalError(
                "the process was stopped for longer than the session timeout: its partitions"
                " may be somebody else's; ending, to be started again"
            )
        await self.deliveries.send(out.commit(), durable)

    # Life and death

    async def on_start(self) -> None:
        """Begin to report progress before there is any."""
        await super().on_start()
        self.add_future(self._pulse_forever())

    async def on_started_init_extra_tasks(self) -> None:
        """Tables are recovered: sweeps may begin."""
        await super().on_started_init_extra_tasks()
        for every, sweep in self._sweeps:
            self.add_future(self._sweep_forever(every, sweep))

    async def _pulse_forever(self) -> None:
        while not self.should_stop:
            progress, recovery = self.consumer.progress, self.tables.recovery
            lag = self.consumer.lag()
            waiting = self.rebalancing or not self.rebalancing_count or progress.waiting()
            self.watchdog.pulse(
                busy=bool(waiting or lag or self.deliveries.open),
                token=(progress.settled, lag, recovery.applied),
            )
            await self.sleep(PULSE_SECONDS)

    def _delivery_failed(self, error: DeliveryError) -> None:
        self.add_future(self.crash(error))

    def _partitions(self, tables: Sequence[Table]) -> int | None:
        cuts = {self.tables[table.name].partitions for table in tables}
        if len(cuts) > 1:
            names = ", ".join(table.name for table in tables)
            raise ConfigurationError(f"{names}: tables of one agent must be cut alike")
        return cuts.pop() if cuts else None
