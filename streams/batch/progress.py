"""Batches handed out and batches done go in; the offset that may be committed comes out."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from runtime.errors import FatalError

Place = tuple[str, int]


class GapError(FatalError):
    """Records between two batches were never handed out."""


@dataclass(slots=True, eq=False)
class Ticket:
    """
    The fate of one batch.

    Attributes:
        next_offset: Where reading goes on after this batch.
        done: Its effects are durable.
        live: Nobody took the partition away, or sought elsewhere, since it was handed out.
    """

    next_offset: int = 0
    done: bool = False
    live: bool = True


class Progress:
    """
    What was handed out per partition, in order, and how much of it is done.

    An offset becomes committable when the batch before it and all batches handed out
    earlier are done (Invariant 1), and batches follow each other without a hole
    (Invariant 2): a hole raises ``GapError``, because committing past it would lose records.
    """

    def __init__(self) -> None:
        self.settled = 0
        self._handed: dict[Place, deque[Ticket]] = {}
        self._next: dict[Place, int] = {}

    def hand_out(self, place: Place, start: int, next_offset: int) -> Ticket:
        """Note that the records of [*start*, *next_offset*) leave for an agent."""
        expected = self._next.get(place, start)
        if start > expected:
            raise GapError(
                f"{place[0]}[{place[1]}]: expected offset {expected} next, got {start}:"
                " records in between were never handed out; restart to read them again"
            )
        ticket = Ticket(next_offset)
        self._handed.setdefault(place, deque()).append(ticket)
        self._next[place] = next_offset
        return ticket

    def settle(self, ticket: Ticket) -> None:
        """Note that everything that came of the batch is durable."""
        ticket.done = True
        self.settled += 1

    def committable(self, place: Place) -> int | None:
        """Return the offset up to which all is done, once; None if nothing new is."""
        handed, offset = self._handed.get(place), None
        while handed and handed[0].done:
            offset = handed.popleft().next_offset
        return offset

    def seek(self, place: Place, offset: int | None) -> None:
        """Reading starts anew at *offset* (None: wherever the broker says)."""
        self.forget([place])
        if offset is not None:
            self._next[place] = offset

    def forget(self, places: Iterable[Place]) -> None:
        """These partitions are somebody else's now, or will be read again."""
        for place in places:
            for ticket in self._handed.pop(place, ()):
                ticket.live = False
            self._next.pop(place, None)

    def places(self) -> set[Place]:
        """Partitions with batches under way or not yet committed."""
        return {place for place, handed in self._handed.items() if handed}

    def known(self) -> list[Place]:
        """Every partition that was handed out from, or sought."""
        return list({*self._handed, *self._next})

    def next_offset(self, place: Place) -> int | None:
        """Where reading goes on, if that is known."""
        return self._next.get(place)

    def waiting(self) -> int:
        """How many batches are under way."""
        return sum(not ticket.done for handed in self._handed.values() for ticket in handed)
