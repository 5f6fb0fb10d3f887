"""A consumer group in, how far it has come and how far behind it is out."""

from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]

from runtime.errors import UnavailableError
from runtime.kafka import Cluster

_TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Lag:
    """One partition of one group: what is acknowledged, and where the log ends."""

    topic: str
    partition: int
    committed: int
    end: int

    @property
    def records(self) -> int:
        """How many records wait."""
        return max(0, self.end - self.committed)


@dataclass(frozen=True, slots=True)
class Standing:
    """One group: its members that are alive, and its partitions."""

    members: int
    partitions: tuple[Lag, ...]

    @property
    def committed(self) -> int:
        """A number that grows with every acknowledged record."""
        return sum(part.committed for part in self.partitions)

    @property
    def records(self) -> int:
        """How many records wait in all."""
        return sum(part.records for part in self.partitions)


def standing(cluster: Cluster, group: str) -> Standing:
    """
    Ask Kafka how *group* stands.

    Raises UnavailableError when Kafka does not answer or does not let us ask.
    """
    admin = AdminClient(cluster.client("syncline-lag"))
    described = admin.describe_consumer_groups([group], request_timeout=_TIMEOUT_SECONDS)
    asked = admin.list_consumer_group_offsets(
        [ConsumerGroupTopicPartitions(group)], request_timeout=_TIMEOUT_SECONDS
    )
    members = len(_answer(described[group]).members)
    committed: list[TopicPartition] = _answer(asked[group]).topic_partitions
    return Standing(members, tuple(_lags(admin, [part for part in committed if part.offset >= 0])))


def _lags(admin: AdminClient, committed: list[TopicPartition]) -> Iterable[Lag]:
    if not committed:
        return
    latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
    ends = admin.list_offsets(
        {TopicPartition(part.topic, part.partition): latest for part in committed},
        request_timeout=_TIMEOUT_SECONDS,
    )
    known = {(part.topic, part.partition): future for part, future in ends.items()}
    for part in committed:
        end = _answer(known[part.topic, part.partition]).offset
        yield Lag(part.topic, part.partition, part.offset, end)


def _answer(future: "Future[Any]") -> Any:
    try:
        return future.result(timeout=_TIMEOUT_SECONDS)
    except KafkaException as error:
        raise UnavailableError(f"Kafka does not answer: {error.args[0].str()}") from error
