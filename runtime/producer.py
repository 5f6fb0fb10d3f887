"""Records in, confirmations out: a producer that says for each record whether it is durable."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from runtime.errors import FatalError, UnavailableError

log = logging.getLogger(__name__)

Headers = Sequence[tuple[str, bytes | None]]
OnDelivery = Callable[[str | None], None]

DEFAULTS: Mapping[str, Any] = {
    "acks": "all",
    "enable.idempotence": True,
    "enable.gapless.guarantee": True,  # what reached the log is a prefix of what was sent
    "partitioner": "murmur2_random",  # as Java's, so that topics written by Connect agree
    "linger.ms": 5,
    "delivery.timeout.ms": 30_000,
    "queue.buffering.max.messages": 200_000,
}
ROOM_SECONDS = 30.0


class ConfirmingProducer:
    """
    An idempotent producer; each record's *on_delivery* is called exactly once.

    The call comes from the producer's own thread, with None when all in-sync replicas have
    the record, else with the reason why they do not.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._producer = Producer({**DEFAULTS, **config, "error_cb": _log_client_error}, logger=log)
        self._failed: str | None = None
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._poll, name="producer", daemon=True)
        self._thread.start()

    def send(  # noqa: PLR0913 - a record has these parts
        self,
        topic: str,
        *,
        key: bytes | None = None,
        value: bytes | None = None,
        headers: Headers = (),
        partition: int | None = None,
        on_delivery: OnDelivery | None = None,
    ) -> None:
        """
        Queue one record; waits when the queue is full.

        Raises:
            FatalError: The client refused it (too large, or the producer has failed before).
        """
        deadline = monotonic() + ROOM_SECONDS
        while True:
            try:
                self._producer.produce(
                    topic,
                    value=value,
                    key=key,
                    partition=-1 if partition is None else partition,
                    headers=list(headers) or None,
                    on_delivery=None if on_delivery is None else _reporter(on_delivery),
                )
            except BufferError:
                if monotonic() > deadline:
                    raise FatalError(
                        f"{topic}: the queue of the producer stayed full for {ROOM_SECONDS:.0f} s;"
                        " is the broker reachable?"
                    ) from None
                self._producer.poll(0.05)
            except KafkaException as error:
                raise FatalError(f"{topic}: {_reason(error.args[0])}") from error
            else:
                return

    def partitions(self, topic: str) -> int:
        """
        How many partitions *topic* has; 0 when there is no such topic.

        Raises:
            UnavailableError: No broker answered.
        """
        try:
            known = self._producer.list_topics(timeout=ROOM_SECONDS).topics.get(topic)
        except KafkaException as error:
            raise UnavailableError(f"no broker answered: {_reason(error.args[0])}") from error
        return 0 if known is None or known.error is not None else len(known.partitions)

    def flush(self, seconds: float = 30.0) -> int:
        """Wait until all is confirmed; returns how many records are not."""
        return self._producer.flush(seconds)

    def purge(self) -> None:
        """Throw away what was not sent yet; its *on_delivery* reports the purge."""
        self._producer.purge()

    def close(self, seconds: float = 5.0) -> int:
        """Flush and stop; returns how many records were left behind."""
        left = self._producer.flush(seconds)
        self._closed.set()
        self._thread.join(timeout=2)
        return left

    def _poll(self) -> None:
        while not self._closed.is_set():
            try:
                self._producer.poll(0.1)
            except KafkaException as error:
                self._give_up(_reason(error.args[0]))

    def _give_up(self, reason: str) -> None:
        """After a fatal error nothing is sent any more: say so for all that is still queued."""
        if self._failed is None:
            self._failed = reason
            log.error("the producer has failed for good", extra={"reason": reason})
            self._producer.purge()


def confirming(
    brokers: str, security: Mapping[str, str] | None = None, **config: Any
) -> ConfirmingProducer:
    """Make a producer; settings are librdkafka's, with dots as underscores in keywords."""
    named = {key.replace("_", "."): value for key, value in config.items()}
    return ConfirmingProducer({"bootstrap.servers": brokers, **(security or {}), **named})


def _reporter(on_delivery: OnDelivery) -> Callable[[KafkaError | None, Message], None]:
    def report(error: KafkaError | None, message: Message) -> None:
        on_delivery(None if error is None else f"{message.topic()}: {_reason(error)}")

    return report


def _reason(error: Any) -> str:
    return error.str() if isinstance(error, KafkaError) else str(error)


def _log_client_error(error: KafkaError) -> None:
    log.warning("kafka client", extra={"reason": error.str(), "fatal": error.fatal()})
