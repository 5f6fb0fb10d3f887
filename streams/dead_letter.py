"""
A record and why it was given up on in, a dead letter out; too many of them stop the worker.

A dead letter is sent like any other output: confirmed before its batch is acknowledged.
"""

from dataclasses import dataclass, field

from runtime.dead_letters import DeadLetterLimit, Origin, headers
from runtime.errors import RecordError
from schemas import topics
from streams.batch import Batch, Outbox, Record


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
        self.send_from(out, origin, record.key, record.value, error)

    def send_from(
        self,
        out: Outbox,
        origin: Origin,
        key: bytes | None,
        value: bytes | None,
        error: RecordError,
    ) -> None:
        """Give up on what came from *origin*; raises FatalError when too much was given up on."""
        self.limit.dead(error)
        out.send(
            topics.dead_letters(self.group), key=key, value=value, headers=headers(origin, error)
        )
