"""Whatever order records finish in, only what is safe is committed."""

import random

from hypothesis import given
from hypothesis import strategies as st

from sinks.worker.progress import Progress


@given(st.lists(st.booleans(), max_size=60), st.randoms(use_true_random=False), st.integers(0, 99))
def test_the_commit_never_passes_an_unfinished_record(
    kept: list[bool], rng: random.Random, first: int
) -> None:
    """For any finishing order, and any gaps in the offsets."""
    offsets = [first + n for n, here in enumerate(kept) if here]
    book = Progress()
    for offset in offsets:
        book.take(offset)
    order = list(offsets)
    rng.shuffle(order)
    open_offsets = set(offsets)
    for offset in order:
        book.finish(offset)
        open_offsets.discard(offset)
        committable = book.committable()
        assert committable is not None
        assert all(committable <= other for other in open_offsets)
        assert all(
            other < committable for other in offsets if other < min(open_offsets, default=10**9)
        )
        assert book.open() == len(open_offsets)
    if offsets:
        assert book.committable() == offsets[-1] + 1
        assert book.span() == 0


def test_nothing_new_is_nothing_to_commit() -> None:
    """The same offset is not committed over and over."""
    book = Progress()
    assert book.committable() is None
    book.take(3)
    book.finish(3)
    assert book.committable() == 4
    book.committed = 4
    assert book.committable() is None
