"""
A topic and a consumer group in, records in partition order out, for an asyncio loop.

Every call to the Kafka client runs in one thread, so that the loop never waits for it and it is
never called from two places. `Inbox.take` keeps polling while records are being worked on: a
slow target pauses a partition, and the worker never drops out of its group.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    TopicPartition,
)
from confluent_kafka import Message as KafkaMessage

from runtime.errors import ConfigurationError, FatalError
from runtime.kafka import Cluster

log = logging.getLogger(__name__)

T = TypeVar("T")

# A dead worker's partitions go on after this long. Heartbeats come from the client's own thread,
# so slow work does not look like death; a false alarm costs duplicates, which sinks absorb.
_PRESENCE = {"session.timeout.ms": 6_000, "heartbeat.interval.ms": 1_500}

_DENIED = frozenset(
    {
        KafkaError._AUTHENTICATION,  # noqa: SLF001 - its public name
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.SASL_AUTHENTICATION_FAILED,
    }
)


class Place(NamedTuple):
    """A partition of a topic."""

    topic: str
    partition: int


@dataclass(frozen=True, slots=True)
class Incoming:
    """One record as the log has it; *value* is None for a tombstone, *timestamp* in ms."""

    place: Place
    offset: int
    key: bytes
    value: bytes | None
    timestamp: int = 0


Revoked = Callable[[frozenset[Place], bool], Awaitable[Mapping[Place, int]]]
"""
Called when partitions go to another worker; the answer holds the offsets to commit.

The second argument is True when they are already lost: then nothing can be committed.
"""


class Inbox:
    """Records of one topic, for one member of a consumer group."""

    def __init__(
        self, cluster: Cluster, *, group: str, topic: str, client_id: str, at_most: int = 500
    ) -> None:
        self.topic = topic
        self._at_most = at_most
        self._consumer = Consumer({**cluster.consumer(client_id, group), **_PRESENCE})
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"inbox-{topic}")
        self._assigned: set[Place] = set()
        self._paused: set[Place] = set()
        self._wanted: frozenset[Place] = frozenset()
        self._revoked: Revoked | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def open(self, revoked: Revoked) -> None:
        """Join the group; *revoked* is awaited before partitions go to another worker."""
        self._revoked = revoked
        self._loop = asyncio.get_running_loop()
        await self._call(self._subscribe)

    async def take(self, seconds: float) -> list[Incoming]:
        """Records that are here, waiting at most *seconds* for the first."""
        return await self._call(lambda: self._take(seconds))

    def pause(self, places: frozenset[Place]) -> None:
        """Take nothing of *places* until told otherwise; counts from the next `take`."""
        self._wanted = places

    async def commit(self, offsets: Mapping[Place, int]) -> bool:
        """Promise never to ask for what lies before *offsets*; False: try again later."""
        return await self._call(lambda: self._commit(offsets))

    async def close(self) -> None:
        """Leave the group; what is revoked thereby is committed like any other."""
        await self._call(self._consumer.close)
        self._thread.shutdown(wait=False)

    # All below runs in the one thread.

    async def _call(self, function: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function)

    def _subscribe(self) -> None:
        self._consumer.subscribe(
            [self.topic],
            on_assign=lambda _consumer, places: self._gained(places),
            on_revoke=lambda _consumer, places: self._lose(places, lost=False),
            on_lost=lambda _consumer, places: self._lose(places, lost=True),
        )

    def _gained(self, places: list[TopicPartition]) -> None:
        self._assigned |= {Place(place.topic, place.partition) for place in places}

    def _lose(self, places: list[TopicPartition], *, lost: bool) -> None:
        gone = frozenset(Place(place.topic, place.partition) for place in places)
        self._assigned -= gone
        self._paused -= gone
        if self._revoked is None or self._loop is None or not gone:
            return
        offsets = asyncio.run_coroutine_threadsafe(self._settle(gone, lost), self._loop).result()
        if not lost:
            self._commit(offsets)

    async def _settle(self, gone: frozenset[Place], lost: bool) -> Mapping[Place, int]:
        return await self._revoked(gone, lost) if self._revoked else {}

    def _take(self, seconds: float) -> list[Incoming]:
        self._turn_flow()
        first = self._consumer.poll(seconds)
        if first is None:
            return []
        # `consume` waits until it has as many as it may take: only what is here already.
        rest = self._consumer.consume(self._at_most - 1, timeout=0)
        records = [_record(message) for message in (first, *rest)]
        # A partition may have been revoked between the two calls: its records are another's now.
        return [one for one in records if one is not None and one.place in self._assigned]

    def _turn_flow(self) -> None:
        wanted = self._wanted & self._assigned
        stop, go = wanted - self._paused, self._paused - wanted
        if stop:
            self._consumer.pause([TopicPartition(*place) for place in stop])
        if go:
            self._consumer.resume([TopicPartition(*place) for place in go])
        self._paused = set(wanted)

    def _commit(self, offsets: Mapping[Place, int]) -> bool:
        if not offsets:
            return True
        wanted = [TopicPartition(*place, offset) for place, offset in offsets.items()]
        try:
            results = self._consumer.commit(offsets=wanted, asynchronous=False)
        except KafkaException as error:
            failure = error.args[0]
            if failure.fatal():
                raise FatalError(f"Kafka: {failure.str()}") from error
            # Uncommitted is safe: the records come again (Invariant 4).
            log.warning("commit not taken", extra={"reason": failure.str()})
            return False
        return not any(result.error for result in results or [])


def _record(message: KafkaMessage) -> Incoming | None:
    error = message.error()
    if error is not None:
        _judge(error)
        return None
    _, timestamp = message.timestamp()
    return Incoming(
        place=Place(message.topic() or "", message.partition() or 0),
        offset=message.offset() or 0,
        key=_bytes(message.key()) or b"",
        value=_bytes(message.value()),
        timestamp=timestamp,
    )


def _bytes(data: bytes | str | None) -> bytes | None:
    return data.encode() if isinstance(data, str) else data


def _judge(error: KafkaError) -> None:
    """Raise what only a person can mend; the client itself retries the rest."""
    if error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
        raise ConfigurationError(f"{error.str()}; run `syncline topics apply`")
    if error.code() in _DENIED:
        raise ConfigurationError(f"Kafka lets us not in: {error.str()}; see [kafka.security]")
    if error.fatal():
        raise FatalError(f"Kafka: {error.str()}")
    log.warning("Kafka reports", extra={"reason": error.str()})
