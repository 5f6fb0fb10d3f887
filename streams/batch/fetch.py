"""aiokafka's fetch buffers in, whole runs of raw records out, with the positions around them."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass
from time import monotonic
from typing import Any

from aiokafka.consumer.fetcher import READ_COMMITTED, FetchResult
from aiokafka.errors import ConsumerStoppedError, CorruptRecordException
from faust.types import TP

from streams.batch.records import Record


@dataclass(frozen=True, slots=True)
class Run:
    """
    What one fetch brought for one partition.

    Attributes:
        start: The position before it.
        next_offset: The position after it; transaction markers may stand at its end.
    """

    records: list[Record]
    start: int
    next_offset: int

    def chunks(self, size: int) -> list["Run"]:
        """Cut into runs of at most *size* records that follow each other without a hole."""
        if len(self.records) <= size:
            return [self]
        cuts = [self.records[at : at + size] for at in range(0, len(self.records), size)]
        ends = [cut[-1].offset + 1 for cut in cuts[:-1]] + [self.next_offset]
        starts = [self.start, *ends[:-1]]
        return [Run(*parts) for parts in zip(cuts, starts, ends, strict=True)]


def take(result: Any) -> Run | None:
    """
    Take all records out of an aiokafka ``FetchResult``.

    The same steps as its ``getall``, minus one dataclass per record, which is what makes the
    difference between 5,000 and 70,000 records a second. None if the result is stale.
    """
    if not result.check_assignment(result._topic_partition) or not result.has_more():  # noqa: SLF001
        return None
    part = result._partition_records  # noqa: SLF001
    start = position = part.next_fetch_offset
    records: list[Record] = []
    while part._records.has_next():  # noqa: SLF001
        stored = part._records.next_batch()  # noqa: SLF001
        if part._check_crcs and not stored.validate_crc():  # noqa: SLF001
            raise CorruptRecordException(f"{part._tp}: a record batch has the wrong checksum")  # noqa: SLF001
        if _visible(part, stored):
            fetched = list(stored)
            if fetched and fetched[0].offset < position:  # a seek landed inside the stored batch
                fetched = [record for record in fetched if record.offset >= position]
            records += fetched
        position = stored.next_offset
    part.next_fetch_offset = position
    result._update_position()  # noqa: SLF001
    result._partition_records = None  # noqa: SLF001 - a half-read buffer delays the next fetch by 100 ms
    return Run(records, start, position)


def _visible(part: Any, stored: Any) -> bool:
    """Neither a transaction marker nor part of an aborted transaction."""
    if part._isolation_level == READ_COMMITTED and stored.producer_id is not None:  # noqa: SLF001
        part._consume_aborted_up_to(stored.base_offset)  # noqa: SLF001
        if stored.is_control_batch and part._contains_abort_marker(stored):  # noqa: SLF001
            part._aborted_producers.discard(stored.producer_id)  # noqa: SLF001
        if stored.is_transactional and stored.producer_id in part._aborted_producers:  # noqa: SLF001
            return False
    return not stored.is_control_batch


async def next_runs(
    consumer: Any, active: Collection[TP], may_take: Callable[[TP], bool], seconds: float
) -> dict[TP, Run]:
    """
    Wait for the next run of any *active* partition, at most *seconds*.

    One partition at a time: the loop works on it while the next one is parsed.
    """
    fetcher = consumer._fetcher  # noqa: SLF001
    if consumer._closed or fetcher._closed:  # noqa: SLF001
        raise ConsumerStoppedError
    deadline = monotonic() + seconds
    with fetcher._subscriptions.fetch_context():  # noqa: SLF001
        while True:
            if fetcher._subscriptions.reassignment_in_progress:  # noqa: SLF001
                await fetcher._subscriptions.wait_for_assignment()  # noqa: SLF001
            runs = _taken(fetcher, active, may_take)
            left = deadline - monotonic()
            if runs or left <= 0:
                return runs
            waiter = fetcher._create_fetch_waiter()  # noqa: SLF001
            done, _ = await asyncio.wait([waiter], timeout=left)
            if not done or fetcher._closed:  # noqa: SLF001
                waiter.cancel()
                return {}
            waiter.result()  # raises what the coordinator found fatal


def _taken(fetcher: Any, active: Collection[TP], may_take: Callable[[TP], bool]) -> dict[TP, Run]:
    buffers = fetcher._records  # noqa: SLF001
    for partition in list(buffers):
        place = TP(partition.topic, partition.partition)
        if place not in active:
            if not fetcher._subscriptions.is_assigned(partition):  # noqa: SLF001
                del buffers[partition]
            continue
        if not may_take(place):
            continue
        buffer = buffers.pop(partition)
        fetcher._notify(fetcher._wait_consume_future)  # noqa: SLF001 - ask the broker for more
        if type(buffer) is not FetchResult:
            buffer.check_raise()
            continue
        run = take(buffer)
        if run is not None:
            # To the back of the queue, so that a busy partition does not starve the others.
            return {place: run}
    return {}
