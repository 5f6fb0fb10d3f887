"""
A record and why it was given up on in, a dead letter out; too many of them stop the worker.

A dead letter is sent like any other output: confirmed before its batch is acknowledged.
"""

from dataclasses import dataclass, field

from runtime.dead_letters import DeadLetterLimit, Origin, headers
from runtime.errors import RecordError
from schemas import topics
from streams.batch import Batch, Outbox, Record

KeyValue = tuple[bytes | None, bytes | None]


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """Where the records go that the consumer group *group* cannot use."""

    group: str
    limit: DeadLetterLimit = field(default_factory=lambda: DeadLetterLimit(limit=50, window=200))

    def good(self) -> None:
        """Note a record that was used."""
        self.limit.good()

    def send(self, out: Outbox, batch: Batch, record: Record, error: RecordError) -> None:
        """Give up on one record of a batch."""
        origin = Origin(self.group, batch.topic, batch.partition, record.offset)
        self.give_up(out, origin, (record.key, record.value), error)

    def give_up(self, out: Outbox, origin: Origin, record: KeyValue, error: RecordError) -> None:
        """Give up on what came from *origin*; raises FatalError when it is too often."""
        self.limit.dead(error)
        self.notice(out, origin, record, error)

    def notice(self, out: Outbox, origin: Origin, record: KeyValue, error: RecordError) -> None:
        """Say that what came from *origin* is held, and why; however many are, it is no fault."""
        key, value = record
        why = headers(origin, error)
        out.send(topics.dead_letters(self.group), key=key, value=value, headers=why)
