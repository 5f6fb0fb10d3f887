"""Changelog batches in, tables as they were out: Faust's recovery, reading runs of records."""

import logging
from collections.abc import Mapping
from time import monotonic
from typing import Any

import faust
from faust.stores.memory import Store
from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery
from faust.types import TP
from mode import Service

from streams.batch.table import Table

log = logging.getLogger(__name__)


class ShardStore(Store):  # type: ignore[misc] # no type information
    """Where Faust looks for a table's data; keeps the shards in step with ownership."""

    def __init__(self, shards: Table, changelog: str, *args: Any, **kwargs: Any) -> None:
        self.shards = shards
        self.changelog = changelog
        super().__init__(*args, **kwargs)

    def persisted_offset(self, tp: TP) -> int | None:  # noqa: ARG002 - Faust's signature
        """Nothing survives the process but the changelog."""
        return None

    async def on_rebalance(
        self,
        assigned: set[TP],  # noqa: ARG002
        revoked: set[TP],
        newly_assigned: set[TP],
        generation_id: int = 0,  # noqa: ARG002
    ) -> None:
        """What was or will be somebody else's is read from the changelog again."""
        for place in revoked | newly_assigned:
            if place.topic == self.changelog:
                self.shards.drop(place.partition)

    def reset_state(self) -> None:
        """Nothing is kept on disk."""


class ChangelogTable(faust.Table):  # type: ignore[misc]
    """Gives a `Table` its changelog topic, its partitions and its recovery."""

    def __init__(self, app: Any, shards: Table, **kwargs: Any) -> None:
        self.shards = shards
        super().__init__(app, name=shards.name, key_type=bytes, value_type=bytes, **kwargs)

    def _changelog_topic_name(self) -> str:
        return self.shards.changelog

    def _new_store(self) -> ShardStore:
        return ShardStore(
            self.shards, self.shards.changelog, "memory://", self.app, self, loop=self.loop
        )


class BatchRecovery(Recovery):  # type: ignore[misc]
    """
    Applies whole runs, and believes the position rather than the last record.

    A changelog may end in offsets without a record (compacted, or emptied): waiting for a
    record with the last offset, as Faust does, would then never end.
    """

    applied = 0

    @Service.task  # type: ignore[untyped-decorator]
    async def _slurp_changelogs(self) -> None:
        queue = self.tables.changelog_queue
        while not self.should_stop:
            self.signal_recovery_end.clear()
            event = await queue.get()
            message = event.message
            if message.tp in self.active_tps:
                self.tp_to_table[message.tp].shards.recover(message.partition, message.value)
                self.active_offsets[message.tp] = message.offset
                self._active_events_received_at[message.tp] = monotonic()
                self.applied += 1
            if self.in_recovery and not self.need_recovery():
                self._set_recovery_ended()
                self.signal_recovery_end.set()

    def flush_buffers(self) -> None:
        """Nothing is buffered."""

    async def _seek_offsets(
        self,
        consumer: Any,
        tps: set[TP],
        offsets: Mapping[TP, int],
        title: str,  # noqa: ARG002 - Faust's signature
    ) -> None:
        await consumer.seek_wait({place: offsets[place] + 1 for place in tps})


class BatchTableManager(TableManager):  # type: ignore[misc]
    """Faust's table manager, with our recovery."""

    _batches: BatchRecovery | None = None

    async def on_start(self) -> None:
        """As Faust does, without its second of waiting: the conductor waits for the agents."""
        await self._update_channels()
        await self.recovery.start()

    @property
    def recovery(self) -> BatchRecovery:
        """The recovery service."""
        if self._batches is None:
            self._recovery = self._batches = BatchRecovery(
                self.app, self, beacon=self.beacon, loop=self.loop
            )
        return self._batches
