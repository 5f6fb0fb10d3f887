"""A topic in, its newest records one by one out: for a number that only ever grows."""

from collections.abc import Callable, Mapping
from functools import partial

from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    TopicPartition,
)
from confluent_kafka import Message as KafkaMessage

from runtime.errors import ConfigurationError
from runtime.kafka import Cluster
from runtime.reader import Reader

LOOK_SECONDS = 0.02
NEAR_END = 1000
ANSWER_SECONDS = 10

EndOffsets = Callable[[str], Mapping[int, int] | None]


class Tail(Reader):
    """
    Hands every new value of a topic to *take*, in a thread, beginning near the end.

    Unlike a `Follower` it keeps nothing: *take* keeps what it needs. Nothing is committed, so a
    restart begins near the end again. After each look at the topic *pause* is called, with a
    function that says where the partitions of any topic end now (None while the broker does
    not answer).
    """

    def __init__(
        self,
        cluster: Cluster,
        topic: str,
        *,
        take: Callable[[bytes], None],
        pause: Callable[[EndOffsets], None] = lambda _ends: None,
        client_id: str = "tail",
    ) -> None:
        super().__init__(topic)
        self._take = take
        self._pause = pause
        self._config = {
            **cluster.client(client_id),
            "group.id": f"{client_id}.unused",  # assigned by hand; nothing is ever committed
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",  # if what we ask for was deleted meanwhile
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
            # Asking for end offsets waits behind the fetch that is under way on the connection.
            "fetch.wait.max.ms": 20,
        }

    def _read(self) -> None:
        consumer = Consumer(self._config)
        try:
            places = self._places(consumer)
            consumer.assign(places)
            behind = {place.partition for place in places}
            while not self._stop.is_set():
                for message in consumer.consume(500, timeout=LOOK_SECONDS):
                    self._handle(message, behind)
                self._pause(partial(_ends, consumer))
                if not behind:
                    self._caught_up.set()
        finally:
            consumer.close()

    def _places(self, consumer: Consumer) -> list[TopicPartition]:
        """Say where to begin, as soon as the broker knows: a new topic has no leader yet."""
        bounds = None
        while bounds is None and not self._stop.wait(LOOK_SECONDS):
            bounds = _bounds(consumer, self.topic)
        return [
            TopicPartition(self.topic, number, max(low, high - NEAR_END))
            for number, (low, high) in (bounds or {}).items()
        ]

    def _handle(self, message: KafkaMessage, behind: set[int]) -> None:
        error = message.error()
        if error is None:
            value = message.value()
            if value is not None:
                self._take(value)
        elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its public name
            behind.discard(message.partition() or 0)
        elif error.fatal():
            raise KafkaException(error)


def _bounds(consumer: Consumer, topic: str) -> dict[int, tuple[int, int]] | None:
    """Say where each partition begins and ends; None while the broker does not."""
    try:
        return {
            number: consumer.get_watermark_offsets(
                TopicPartition(topic, number), timeout=ANSWER_SECONDS
            )
            for number in _partitions(consumer, topic)
        }
    except KafkaException as error:
        if error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            raise ConfigurationError(
                f"topic {topic} does not exist; run `syncline topics apply`"
            ) from error
        return None  # it is away, or electing a leader; asked again at the next look


def _partitions(consumer: Consumer, topic: str) -> list[int]:
    metadata = consumer.list_topics(topic, timeout=ANSWER_SECONDS).topics[topic]
    if metadata.error is not None:
        raise KafkaException(metadata.error)
    return sorted(metadata.partitions)


def _ends(consumer: Consumer, topic: str) -> Mapping[int, int] | None:
    bounds = _bounds(consumer, topic)
    return None if bounds is None else {number: high for number, (_, high) in bounds.items()}
