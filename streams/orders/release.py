"""
Marked orders in, ``canonical.order`` out, once they are whole.

An order leaves when the transactions that made it were read to their end, its references resolve
and its sums agree (Invariant 5). One that waits too long, or never will agree, becomes a dead
letter that says why, and stays gathered: it leaves when what was wrong is mended (Invariant 2).

A sweep's sends are confirmed before its table changes are kept: after a crash a mark is still
there, and the same record is sent again.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from runtime.dead_letters import Origin
from runtime.errors import MappingError, RecordError
from schemas import topics
from schemas.records import Order
from streams.batch import Outbox, View
from streams.dead_letter import DeadLetters
from streams.document import load
from streams.document import position as newest_position
from streams.mappings.vendure.order import (
    NotPlaced,
    References,
    Verdict,
    Waiting,
    order,
)
from streams.orders.gather import Desk, Mark, progress_of

SOURCE = topics.raw("vendure", "order")
TARGET = topics.canonical("order")
UNFINISHED = (
    "a placed order waits for the end of its transaction, which the connector has not sent;"
    " is Debezium running?"
)


class Codec(Protocol):
    """Writes records in the registry's wire format."""

    def encode(self, record: Order) -> bytes:
        """Write one record; raises TransientError while the registry is down."""
        ...


class VersionedReferences(References, Protocol):
    """References that say when to look again."""

    @property
    def version(self) -> int:
        """Grows with each change."""
        ...


class Reached(Protocol):
    """How far, in commit order, a partition is complete: `Watermark.reached`."""

    def __call__(self, partition: int, next_offset: int) -> int:
        """The newest commit whose rows all stand in *partition* before *next_offset*."""
        ...


@dataclass(frozen=True, slots=True)
class _Case:
    """One marked order, and where what becomes of it is written."""

    partition: int
    key: bytes
    mark: Mark
    out: Outbox
    cells: View
    marks: View

    @property
    def record(self) -> tuple[bytes, bytes]:
        """The newest record that touched it: when it is read again, the order is judged again."""
        return self.key, self.mark["value"].encode()

    def close(self) -> None:
        """Take the mark away: the order is where it should be."""
        self.marks.delete(self.key)


@dataclass(slots=True)
class Release:
    """
    The way out, one call per partition and sweep.

    What waits for a reference is looked at again when it was touched or a reference changed;
    *_looked* remembers that, and may be lost.
    """

    desk: Desk
    references: VersionedReferences
    codec: Codec
    reached: Reached
    dead_letters: DeadLetters
    wait_seconds: float
    clock: Callable[[], datetime]
    _looked: dict[tuple[int, bytes], tuple[tuple[int, int], str]] = field(default_factory=dict)

    def __call__(self, partition: int, out: Outbox) -> None:
        """Release every marked order of *partition* that may leave."""
        marks = self.desk.marks.view(partition, out)
        cells = self.desk.orders.view(partition, out)
        waiting = list(marks.items())
        if not waiting:
            return
        progress = progress_of(cells)
        complete = max(progress["commit"], self.reached(partition, progress["next_offset"]))
        for key, mark in waiting:
            case = _Case(partition, key, mark, out, cells, marks)
            if complete > newest_position(cells, key):
                self._look(case)
            else:
                self._wait(case, UNFINISHED)

    def _look(self, case: _Case) -> None:
        """Judge one order whose transactions are complete, unless nothing has changed."""
        place, now = (case.partition, case.key), (case.mark["offset"], self.references.version)
        then, reason = self._looked.get(place, (None, ""))
        if then == now:
            self._wait(case, reason)
            return
        try:
            verdict = self._judge(case)
        except RecordError as error:
            self._refuse(case, error)
            return
        if isinstance(verdict, Waiting):
            self._looked[place] = now, verdict.reason
            self._wait(case, verdict.reason)
            return
        self._looked.pop(place, None)
        self.dead_letters.good()
        case.close()

    def _judge(self, case: _Case) -> Verdict:
        """Judge one order, and send it if it may leave and says something new."""
        document = load(case.cells, case.key)
        verdict = NotPlaced() if document is None else order(document, self.references)
        if isinstance(verdict, dict):
            place, content = case.key + b"/sent", fingerprint(verdict)
            if case.cells.get(place) != content:
                value = self.codec.encode(verdict)
                case.out.send(TARGET, key=verdict["id"].encode(), value=value)
                case.cells[place] = content
        return verdict

    def _wait(self, case: _Case, reason: str) -> None:
        """Keep holding it, and say so once when it takes too long."""
        waited = self.clock().timestamp() - case.mark["since"]
        if waited <= self.wait_seconds or case.mark["told"] == reason:
            return
        error = MappingError(
            f"{reason} (for more than {self.wait_seconds:g} s; it is held, and leaves by itself"
            " when that arrives)"
        )
        self.dead_letters.notice(case.out, self._origin(case), case.record, error)
        case.marks[case.key] = {**case.mark, "told": reason}

    def _refuse(self, case: _Case, error: RecordError) -> None:
        """Say once why it cannot leave as it is; its next change is a new chance."""
        place, reason = case.key + b"/refused", str(error)
        if case.cells.get(place) != reason:
            self.dead_letters.give_up(case.out, self._origin(case), case.record, error)
            case.cells[place] = reason
        case.close()

    def _origin(self, case: _Case) -> Origin:
        return Origin(self.dead_letters.group, SOURCE, case.partition, case.mark["offset"])


def fingerprint(record: Order) -> str:
    """Sum up what an order says, wherever in the log it was read."""
    content = repr({name: value for name, value in record.items() if name != "source"})
    return hashlib.sha256(content.encode()).hexdigest()
