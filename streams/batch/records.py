"""Raw Kafka records in, batches out; and what an agent sends back."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, overload

from streams.batch.progress import Ticket

Headers = Sequence[tuple[str, bytes | None]]


class Record(Protocol):
    """One record as the broker keeps it; *timestamp* is in milliseconds."""

    @property
    def key(self) -> bytes | None: ...  # noqa: D102 - said by the class
    @property
    def value(self) -> bytes | None: ...  # noqa: D102
    @property
    def offset(self) -> int: ...  # noqa: D102
    @property
    def timestamp(self) -> int: ...  # noqa: D102
    @property
    def headers(self) -> Headers: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Batch(Sequence[Record]):
    """
    One fetched run of records of one partition, in offset order.

    It is acknowledged whole, once everything that came of it is durable.
    """

    topic: str
    partition: int
    records: Sequence[Record]
    ticket: Ticket = field(default_factory=Ticket, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.records)

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Record]: ...
    def __getitem__(self, index: int | slice) -> Record | Sequence[Record]:
        return self.records[index]

    def __iter__(self) -> Iterator[Record]:
        return iter(self.records)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record to produce; without a partition the key decides (murmur2, as in Java)."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    partition: int | None = None
