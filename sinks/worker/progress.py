"""Offsets taken and offsets finished in, the offset that may be committed out."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Progress:
    """
    The book of one partition.

    `committable` is one past the contiguous run of finished offsets: nothing before it is
    unfinished (Invariant 1). Offsets are taken in log order; gaps (transaction markers,
    compaction) belong to the record after them.
    """

    _open: dict[int, None] = field(default_factory=dict)  # in the order taken
    _next: int | None = None
    committed: int | None = None

    def take(self, offset: int) -> None:
        """Note that the record at *offset* is being worked on."""
        self._open[offset] = None
        self._next = offset + 1

    def finish(self, offset: int) -> None:
        """Note that the record at *offset* is durable where it belongs."""
        self._open.pop(offset, None)

    def committable(self) -> int | None:
        """The offset to commit; None when it would say nothing new."""
        offset = next(iter(self._open), self._next)
        return None if offset == self.committed else offset

    def open(self) -> int:
        """How many records are not finished."""
        return len(self._open)

    def span(self) -> int:
        """How far reading has run ahead of the oldest unfinished record."""
        if not self._open or self._next is None:
            return 0
        return self._next - next(iter(self._open))
