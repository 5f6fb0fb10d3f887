"""A topic in, its newest records one by one out: for a number that only ever grows."""

import threading
from collections.abc import Callable, Mapping
from functools import partial

from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    TopicPartition,
)
from confluent_kafka import Message as KafkaMessage

from runtime.errors import ConfigurationError, UnavailableError
from runtime.kafka import Cluster

LOOK_SECONDS = 0.02
NEAR_END = 1000

EndOffsets = Callable[[str], Mapping[int, int] | None]


class Tail:
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
        self.topic = topic
        self._take = take
        self._pause = pause
        self._config = {
            **cluster.client(client_id),
            "group.id": f"{client_id}.unused",  # assigned by hand; nothing is ever committed
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",  # if what we ask for was deleted meanwhile
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
            "fetch.wait.max.ms": 20,
        }
        self._caught_up = threading.Event()
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=f"tail-{topic}", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """Stop reading."""
        self._stop.set()
        self._thread.join(timeout=10)

    def check(self) -> None:
        """Raise what stopped the thread, if anything did."""
        if self._failure is not None:
            raise UnavailableError(
                f"reading the end of {self.topic} stopped: {self._failure}"
            ) from self._failure

    def wait_until_caught_up(self, timeout: float = 60) -> None:
        """Block until the end of the topic, as it was at the start, has been read."""
        if not self._caught_up.wait(timeout):
            self.check()
            raise UnavailableError(f"{self.topic} was not read within {timeout:g} s; is Kafka up?")
        self.check()

    def _run(self) -> None:
        consumer = Consumer(self._config)
        try:
            places = [
                TopicPartition(self.topic, number, max(low, high - NEAR_END))
                for number, (low, high) in _bounds(consumer, self.topic).items()
            ]
            consumer.assign(places)
            behind = {place.partition for place in places}
            while not self._stop.is_set():
                for message in consumer.consume(500, timeout=LOOK_SECONDS):
                    self._handle(message, behind)
                self._pause(partial(_ends, consumer))
                if not behind:
                    self._caught_up.set()
        except (KafkaException, ConfigurationError, ValueError, TypeError, KeyError) as error:
            self._failure = error
            self._caught_up.set()
        finally:
            consumer.close()

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


def _bounds(consumer: Consumer, topic: str) -> dict[int, tuple[int, int]]:
    """Say where each partition begins and ends."""
    metadata = consumer.list_topics(topic, timeout=10).topics[topic]
    if metadata.error is not None or not metadata.partitions:
        raise ConfigurationError(f"topic {topic} does not exist; run `syncline topics apply`")
    return {
        number: consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=10)
        for number in sorted(metadata.partitions)
    }


def _ends(consumer: Consumer, topic: str) -> Mapping[int, int] | None:
    try:
        return {number: high for number, (_, high) in _bounds(consumer, topic).items()}
    except KafkaException:
        return None  # the broker is away; asked again at the next look
