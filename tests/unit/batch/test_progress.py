"""The book of batches: what is committable is a prefix of what was handed out."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from streams.batch.progress import GapError, Progress, Ticket

PLACE = ("in", 0)
OTHER = ("in", 1)


def test_nothing_is_committable_before_the_first_batch_is_done() -> None:
    """A hole of exactly one batch blocks the commit; Faust's own book steps over it."""
    progress = Progress()
    progress.hand_out(PLACE, 0, 1)
    progress.settle(progress.hand_out(PLACE, 1, 2))

    assert progress.committable(PLACE) is None


def test_done_batches_become_committable_together() -> None:
    """The last to be done releases those behind it."""
    progress = Progress()
    first = progress.hand_out(PLACE, 0, 5)
    progress.settle(progress.hand_out(PLACE, 5, 9))
    progress.settle(first)

    assert progress.committable(PLACE) == 9
    assert progress.committable(PLACE) is None


def test_a_hole_between_batches_is_refused() -> None:
    """Records that were never handed out must not be committed past."""
    progress = Progress()
    progress.hand_out(PLACE, 0, 5)

    with pytest.raises(GapError, match="expected offset 5 next, got 6"):
        progress.hand_out(PLACE, 6, 9)


def test_a_hole_after_a_seek_is_refused() -> None:
    """What lies between the committed offset and the first batch counts as well."""
    progress = Progress()
    progress.seek(PLACE, 5)

    with pytest.raises(GapError):
        progress.hand_out(PLACE, 7, 9)


def test_partitions_do_not_wait_for_each_other() -> None:
    """One slow partition holds back its own commit only."""
    progress = Progress()
    progress.hand_out(PLACE, 0, 5)
    progress.settle(progress.hand_out(OTHER, 0, 3))

    assert progress.committable(OTHER) == 3
    assert progress.committable(PLACE) is None


def test_a_batch_from_before_a_seek_commits_nothing() -> None:
    """It is read again, and counts then."""
    progress = Progress()
    old = progress.hand_out(PLACE, 0, 5)
    progress.seek(PLACE, 0)
    progress.settle(old)

    assert not old.live
    assert progress.committable(PLACE) is None


class Book(RuleBasedStateMachine):
    """Any order of handing out, settling, seeking, losing the partition and committing."""

    tickets: Bundle[tuple[int, Ticket]] = Bundle("tickets")

    def __init__(self) -> None:
        super().__init__()
        self.progress = Progress()
        self.position = 0
        self.committed = 0
        self.durable: set[int] = set()

    @rule(target=tickets, size=st.integers(1, 4))
    def hand_out(self, size: int) -> tuple[int, Ticket]:
        """A batch leaves for an agent."""
        start = self.position
        self.position += size
        return start, self.progress.hand_out(PLACE, start, self.position)

    @rule(size=st.integers(1, 3))
    def skip_markers(self, size: int) -> None:
        """A fetch brought only transaction markers."""
        start = self.position
        self.position += size
        self.progress.settle(self.progress.hand_out(PLACE, start, self.position))
        self.durable.update(range(start, self.position))

    @rule(batch=consumes(tickets))
    def settle(self, batch: tuple[int, Ticket]) -> None:
        """A batch's effects are durable, in whatever order."""
        start, ticket = batch
        self.progress.settle(ticket)
        self.durable.update(range(start, ticket.next_offset))

    @rule()
    def commit(self) -> None:
        """Only a growing, wholly durable prefix may ever be committed."""
        offset = self.progress.committable(PLACE)
        if offset is not None:
            assert offset > self.committed
            assert self.durable.issuperset(range(self.committed, offset))
            self.committed = offset

    @rule()
    def rebalance(self) -> None:
        """The partition goes and comes back: reading goes on where it was committed."""
        self.progress.forget([PLACE])
        self.progress.seek(PLACE, self.committed)
        self.position = self.committed

    @rule()
    def lose_and_find_nothing_committed(self) -> None:
        """A partition without a known offset is read from wherever the broker says."""
        self.progress.seek(PLACE, None)
        self.position = self.committed

    @invariant()
    def live_batches_are_counted(self) -> None:
        """What is waiting is never negative, and nothing waits behind a forgotten book."""
        assert self.progress.waiting() >= 0
        if PLACE not in self.progress.places():
            assert self.progress.waiting() == 0

    def teardown(self) -> None:
        """Once all that was handed out is done, all of it is committable."""
        self.commit()
        for ticket in self.progress._handed.get(PLACE, ()):  # noqa: SLF001 - the model ends here
            self.progress.settle(ticket)
        last = self.progress.committable(PLACE)

        assert last is None or last == self.position


TestBook = Book.TestCase
TestBook.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
