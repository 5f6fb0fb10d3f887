"""
Fetched runs in, one Faust event per batch out; and commits that never pass an open batch.

Membership, assignment, rebalancing and seeking stay Faust's own; what is changed is how
records are read and how offsets become committable (docs/adr/20261124-faust-reads-batches.md).
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import aiokafka
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage

from runtime.errors import FatalError
from streams.batch.fetch import Run, next_runs
from streams.batch.progress import Progress
from streams.batch.records import Batch
from streams.batch.watchdog import end_process

if TYPE_CHECKING:
    from streams.batch.app import BatchApp

log = logging.getLogger(__name__)

FETCH_WAIT_MS = 100  # a long poll on a quiet partition holds back all others of the same broker


class Fetched(NamedTuple):
    """Runs, and the generation of the group in which they were taken."""

    runs: dict[TP, Run]
    generation: int


class BatchConsumerThread(driver.AIOKafkaConsumerThread):  # type: ignore[misc] # no type information
    """The thread that talks to the broker: takes raw runs out of the fetch buffers."""

    app: "BatchApp"
    seeking = 0

    def _create_worker_consumer(self, transport: Any) -> aiokafka.AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS  # noqa: SLF001 - Faust fixes it at 1,500
        if self.app.reading.read_committed:
            consumer._isolation_level = "read_committed"  # noqa: SLF001 - or aborted records show
        return consumer

    async def _fetch_records(
        self,
        consumer: aiokafka.AIOKafkaConsumer,
        active_partitions: Collection[TP],
        timeout: float | None = None,  # noqa: ASYNC109 - Faust's signature
        max_records: int | None = None,  # noqa: ARG002 - a run is taken whole
    ) -> "Fetched":
        if not self.consumer.flow_active:
            return Fetched({}, -1)
        runs = await next_runs(consumer, active_partitions, self._may_take, timeout or 0)
        return Fetched(runs, self.app.consumer_generation_id)

    def _may_take(self, place: TP) -> bool:
        """
        Neither before recovery has ended nor in the middle of a seek.

        Faust resumes the source partitions, seeks, and only then empties the agents' queues:
        what is handed out in between would vanish and block its partition's commit.
        """
        if not self.consumer.flow_active:
            return False
        return self.app.is_changelog(place) or not (self.app.rebalancing or self.seeking)

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Read again from the committed offsets; where there is none, from the beginning."""
        self.seeking += 1
        try:
            offsets: dict[TP, int] = dict(await super().seek_to_committed())
            fresh = [
                place
                for place, offset in offsets.items()
                if not offset and not self.app.is_changelog(TP(*place))
            ]
            if fresh:
                await self.seek_to_beginning(*fresh)
            return offsets
        finally:
            self.seeking -= 1

    def is_stranger(self) -> bool:
        """Whether the group has forgotten us, or given our name to another."""
        return not self._consumer._coordinator.member_id  # noqa: SLF001

    def lag(self) -> int:
        """Count the records of our partitions that we may see and did not take yet."""
        subscription = self._consumer and self._consumer._subscription.subscription  # noqa: SLF001
        assignment = subscription and subscription.assignment
        if not assignment:
            return 0
        states = [
            assignment.state_value(place)
            for place in assignment.tps
            if not self.app.is_changelog(TP(*place))
        ]
        return sum(_lag(state, stable=self.app.reading.read_committed) for state in states)


def _lag(state: Any, *, stable: bool) -> int:
    """Count what is left of one partition; one that was never fetched counts as one."""
    end = state.lso if stable else state.highwater
    if end is None or not state.has_valid_position:
        return 1
    return max(0, int(end) - int(state.position))


class BatchConsumer(driver.Consumer):  # type: ignore[misc] # no type information
    """Hands out batches and keeps the book of what may be committed."""

    app: "BatchApp"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.progress = Progress()
        super().__init__(*args, **kwargs)

    def _new_consumer_thread(self) -> BatchConsumerThread:
        return BatchConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, ConsumerMessage]]:  # noqa: ASYNC109
        """Yield the next batches; Faust puts each into its agent's queue."""
        fetched, _ = await self._wait_next_records(timeout)
        if not fetched or self.should_stop:
            return
        for place, run in fetched.runs.items():
            for chunk in run.chunks(self.app.reading.batch_max):
                changelog = self.app.is_changelog(place)
                # Dropped here means read again: a rebalance ends in a seek.
                if not self.flow_active or self.app.consumer_generation_id != fetched.generation:
                    return
                if self.app.rebalancing and not changelog:
                    return
                message = self._message(place, chunk, changelog=changelog)
                if message is not None:
                    yield place, message

    def _message(self, place: TP, run: Run, *, changelog: bool) -> ConsumerMessage | None:
        batch = Batch(place.topic, place.partition, run.records)
        if not changelog:
            ticket = self.progress.hand_out(place, run.start, run.next_offset)
            batch = Batch(place.topic, place.partition, run.records, ticket)
            if not run.records:  # only transaction markers: nothing to do, but to commit past
                self.progress.settle(ticket)
                return None
        return ConsumerMessage(
            place.topic,
            place.partition,
            run.next_offset - 1,
            (run.records[-1].timestamp if run.records else 0) / 1000,
            0,
            (),
            None,
            batch,
            None,
            0,
            0,
            place,
            generation_id=self.app.consumer_generation_id,
        )

    def on_buffer_full(self, tp: TP) -> None:
        """Do not pause: a full agent queue already holds back the reader, for less."""

    # Acknowledging and committing: Faust's own list of acknowledged offsets is not used,
    # because it steps over a hole of exactly one (see the ADR).

    def ack(self, message: ConsumerMessage) -> bool:
        """Let Faust forget the message; `Progress` decides what is committed."""
        self._unacked_messages.discard(message)
        return True

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Gaps need no book: a run knows where it starts and ends."""

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        places = (TP(*place) for place in self.progress.places())
        return (tp for tp in places if topics is None or tp in topics or tp.topic in topics)

    def _new_offset(self, tp: TP) -> int | None:
        return self.progress.committable(tp)  # Invariant 1

    async def perform_seek(self) -> None:
        """Read again what was handed out and not committed."""
        self.progress.forget(self.progress.known())
        await super().perform_seek()
        for place in self.assignment():
            if not self.app.is_changelog(place):
                self.progress.seek(place, self._committed_offset[place] or None)

    async def on_partitions_revoked(self, revoked: Iterable[TP]) -> None:
        """Finish and commit what is under way, before others read on from there."""
        if revoked and self.app.reading.instance and self._thread.is_stranger():
            self._give_up_the_name()
        self.stop_flow()
        self.app.flow_control.suspend()
        self.app.flow_control.clear()
        await self.app.drain(self.app.reading.session_timeout / 2)
        await self.commit()
        self.progress.forget(revoked)  # what an agent still returns is dropped, and read again
        if not await self.app.deliveries.drain(self.app.reading.session_timeout / 4):
            # Records still queued here would reach the changelog after its next owner read it.
            self.app.deliveries.producer.purge()
            await self.app.crash(
                FatalError("partitions were revoked while outputs could not be confirmed")
            )
        await super().on_partitions_revoked(set(revoked))

    def _give_up_the_name(self) -> None:
        """End at once: an orderly end joins the group once more, and takes the name back."""
        log.critical(
            "another worker of the group joined under this name, or this one was silent for"
            " too long; each needs a name of its own",
            extra={"instance": self.app.reading.instance},
        )
        end_process(1)

    async def on_stop(self) -> None:
        """Commit what is done (Invariant 10)."""
        await self.app.drain(self.app.reading.session_timeout / 2)
        await super().on_stop()

    async def join(self, seconds: float) -> None:
        """Wait until the thread has ended, so that it does not outlive our event loop."""
        thread = self._thread._thread  # noqa: SLF001
        if thread is not None:
            await asyncio.to_thread(thread.join, seconds)

    def lag(self) -> int:
        """Records of our partitions that were not taken from the broker yet."""
        return int(self._thread.lag())


class BatchTransport(driver.Transport):  # type: ignore[misc] # no type information
    """Faust's Kafka transport, reading batches."""

    Consumer = BatchConsumer
