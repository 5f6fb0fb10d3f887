"""
Settings in, Kafka clients out: the one place that names the client library's options.

`Follower` reads a small compacted topic into a dict and keeps it fresh: how every worker knows
what a foreign key stands for, and how a query knows the stock.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    TopicPartition,
)
from confluent_kafka import Message as KafkaMessage

from runtime.errors import ConfigurationError, UnavailableError
from runtime.reader import Reader


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where Kafka is, and how to be let in: *security* holds the client's own options."""

    bootstrap: str
    security: Mapping[str, str] = field(default_factory=dict)

    def client(self, client_id: str) -> dict[str, Any]:
        """Options that every client shares."""
        return {
            "bootstrap.servers": self.bootstrap,
            "client.id": client_id,
            "topic.metadata.refresh.interval.ms": 30_000,
            **self.security,
        }

    def consumer(self, client_id: str, group: str) -> dict[str, Any]:
        """Options of a consumer that commits by hand, after the effect (Invariant 1)."""
        return {
            **self.client(client_id),
            "group.id": group,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
            "partition.assignment.strategy": "cooperative-sticky",
            "session.timeout.ms": 10_000,
            "max.poll.interval.ms": 300_000,
        }


class Follower(Reader):
    """
    The newest value of every key of a topic, from its start, kept fresh by a thread.

    *decode* turns a record's bytes into what is kept; a tombstone removes the key. *version*
    grows with each change, so that a caller may see cheaply whether to look again.
    `wait_until_caught_up` returns once everything that was in the topic at the start is here.
    """

    def __init__(
        self,
        cluster: Cluster,
        topic: str,
        *,
        decode: Callable[[bytes], Any],
        client_id: str = "follower",
    ) -> None:
        super().__init__(topic)
        self.values: dict[str, Any] = {}
        self.version = 0
        self._decode = decode
        self._config = {
            **cluster.client(client_id),
            "group.id": f"{client_id}.unused",  # assigned by hand; nothing is ever committed
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
        }

    def get(self, key: str) -> Any:
        """The newest value of *key*, or None; raises what stopped the thread, if anything did."""
        self.check()
        return self.values.get(key)

    def _read(self) -> None:
        consumer = Consumer(self._config)
        try:
            partitions = _partition_numbers(consumer, self.topic)
            consumer.assign(
                [TopicPartition(self.topic, number, OFFSET_BEGINNING) for number in partitions]
            )
            behind = set(partitions)
            while not self._stop.is_set():
                # `consume` alone would wait its whole time-out for a full batch.
                first = consumer.poll(0.1)
                if first is not None:
                    for message in (first, *consumer.consume(499, timeout=0)):
                        self._take(message, behind)
                if not behind:
                    self._caught_up.set()
        finally:
            consumer.close()

    def _take(self, message: KafkaMessage, behind: set[int]) -> None:
        if not _is_record(message, behind):
            return
        key = (message.key() or b"").decode()
        value = message.value()
        if value is None:
            self.values.pop(key, None)
        else:
            self.values[key] = self._decode(value)
        self.version += 1


@dataclass(frozen=True, slots=True)
class Stored:
    """One record as the broker keeps it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    timestamp_ms: int


def read_to_end(cluster: Cluster, topic: str, *, timeout: float = 30) -> list[Stored]:
    """
    Everything that is in *topic* now, partition by partition: for reports and tests.

    Raises UnavailableError when that takes longer than *timeout* seconds.
    """
    consumer = Consumer(
        {
            **cluster.client("reader"),
            "group.id": "reader.unused",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
        }
    )
    try:
        numbers = _partition_numbers(consumer, topic)
        consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in numbers])
        behind, found = set(numbers), list[Stored]()
        deadline = time.monotonic() + timeout
        while behind:
            if time.monotonic() > deadline:
                raise UnavailableError(f"{topic} was not read within {timeout:g} s; is Kafka up?")
            for message in consumer.consume(1000, timeout=0.1):
                if _is_record(message, behind):
                    found.append(_stored(message))
        return sorted(found, key=lambda record: (record.partition, record.offset))
    finally:
        consumer.close()


def _stored(message: KafkaMessage) -> Stored:
    return Stored(
        message.topic() or "",
        message.partition() or 0,
        message.offset() or 0,
        message.key(),
        message.value(),
        tuple((name, _bytes(value)) for name, value in _pairs(message.headers())),
        message.timestamp()[1],
    )


def _pairs(headers: object) -> Iterable[tuple[str, object]]:
    """Headers as pairs: the client library may give a dict or a list of tuples."""
    if headers is None:
        return ()
    return cast("Iterable[tuple[str, object]]", dict(headers).items())  # type: ignore[call-overload]


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value or "").encode()


def _is_record(message: KafkaMessage, behind: set[int]) -> bool:
    """Whether this is a record; an end of partition is taken out of *behind*."""
    error = message.error()
    if error is None:
        return True
    if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its public name
        behind.discard(message.partition() or 0)
    elif error.fatal():
        raise KafkaException(error)
    return False


def _partition_numbers(consumer: Consumer, topic: str) -> list[int]:
    metadata = consumer.list_topics(topic, timeout=30).topics[topic]
    if metadata.error is not None or not metadata.partitions:
        raise ConfigurationError(f"topic {topic} does not exist; run `syncline topics apply`")
    return sorted(metadata.partitions)
