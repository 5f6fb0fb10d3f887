"""
Debezium's END records in, the commit watermark of a source system out, per partition.

Debezium sends transactions whole and in commit order, so an END at a log position says that
every row of every transaction committed up to there was sent. That a row was *sent* is not that
it was *read here*: a worker may be far behind, and an END in its own topic may be seen before the
last rows in theirs. So each END is paired with where the row topic's partitions ended a moment
later, and counts for a partition that was read up to there (Invariant 5).
"""

import threading
from collections import deque
from collections.abc import Callable, Mapping
from time import monotonic

import orjson

KEPT = 2000
HOLD_BACK_SECONDS = 0.03

EndOffsets = Callable[[str], Mapping[int, int] | None]


class Watermark:
    """
    How far, in commit order, the partitions of one row topic are complete.

    *hold_back* is how long an END may overtake rows that were handed to the producer before it.
    """

    def __init__(
        self,
        topic: str,
        *,
        hold_back: float = HOLD_BACK_SECONDS,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.topic = topic
        self._hold_back = hold_back
        self._clock = clock
        self._newest = -1
        self._held: tuple[float, int] | None = None
        self._pairs: deque[tuple[int, Mapping[int, int]]] = deque(maxlen=KEPT)
        self._lock = threading.Lock()

    def take(self, record: bytes) -> None:
        """Read one record of ``cdc.<system>.transaction``; a BEGIN says nothing."""
        position = commit_position(record)
        if position is None or position <= self._newest:
            return  # after a restart Connect says again what it said before
        self._newest = position
        if self._held is None:
            self._held = self._clock(), position

    def pause(self, ends: EndOffsets) -> None:
        """Note where the row topic ends, once the END that was held back is old enough."""
        if self._held is None or self._clock() < self._held[0] + self._hold_back:
            return
        offsets = ends(self.topic)
        if offsets is None:
            return
        position = self._held[1]
        with self._lock:
            self._pairs.append((position, offsets))
        self._held = (self._clock(), self._newest) if self._newest > position else None

    def reached(self, partition: int, next_offset: int) -> int:
        """
        Every transaction committed up to here stands in *partition* before *next_offset*.

        It is -1 before the first END that counts.
        """
        with self._lock:
            for position, offsets in reversed(self._pairs):
                if offsets.get(partition, 0) <= next_offset:
                    return position
        return -1


def commit_position(record: bytes) -> int | None:
    """Read where a transaction committed; None from anything but the END of one."""
    try:
        event = orjson.loads(record)
    except orjson.JSONDecodeError:
        return None  # the next END says as much and more
    if not isinstance(event, dict) or event.get("status") != "END":
        return None
    _, _, position = str(event.get("id")).rpartition(":")
    return int(position) if position.isdecimal() else None
