"""The records of one key in, in log order; which of them to write next out."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from runtime.inbox import Incoming, Place

Kind = Literal["document", "state"]
"""
What a record of an entity is.

Each version of a *document* (an order) counts: every one is written, in log order. A *state*
(stock, a price) is only ever worth its newest version: older ones waiting behind it are
covered by it.
"""


@dataclass(slots=True)
class Lane:
    """One key: its records wait here, and one at a time is written (Invariant 3)."""

    place: Place
    key: bytes
    kind: Kind
    waiting: deque[Incoming] = field(default_factory=deque)
    busy: bool = False
    closing: bool = False

    @contextmanager
    def writing(self) -> Iterator[None]:
        """While inside, a write may be on its way: wait for it, do not cut it off."""
        self.busy = True
        try:
            yield
        finally:
            self.busy = False

    def next(self) -> Incoming:
        """The record to write now; asked again before each attempt."""
        return self.waiting[-1] if self.kind == "state" else self.waiting[0]

    def applied(self, record: Incoming) -> list[Incoming]:
        """Take out *record*, which the target has now, and those it covers; returns them."""
        covered = []
        while self.waiting and self.waiting[0].offset <= record.offset:
            covered.append(self.waiting.popleft())
        return covered

    def given_up(self, record: Incoming) -> None:
        """
        Take out *record* alone, which is a dead letter now.

        What stays is tried on its own merits: an older state that waited behind it is the last
        good one, and a newer version of a document carries the whole of it, so nothing is
        built upon the letter that failed.
        """
        self.waiting.remove(record)
