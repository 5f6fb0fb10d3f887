"""Fetched runs, cut into batches: no offset is lost between two of them."""

from hypothesis import given
from hypothesis import strategies as st

from streams.batch.fetch import Run
from streams.batch.progress import Progress
from tests.unit.batch.records import FakeRecord

PLACE = ("in", 0)


@given(st.sets(st.integers(10, 60)), st.integers(1, 7), st.integers(0, 5))
def test_chunks_follow_each_other_without_a_hole(
    offsets: set[int], size: int, markers: int
) -> None:
    """Compacted offsets and transaction markers included: the book accepts them in order."""
    records = [FakeRecord(b"k", b"v", offset) for offset in sorted(offsets)]
    end = (max(offsets) + 1 if offsets else 10) + markers
    progress = Progress()
    progress.seek(PLACE, 10)
    chunks = Run(list(records), 10, end).chunks(size)
    for chunk in chunks:
        assert len(chunk.records) <= size
        assert all(chunk.start <= record.offset < chunk.next_offset for record in chunk.records)
        progress.settle(progress.hand_out(PLACE, chunk.start, chunk.next_offset))

    assert [record for chunk in chunks for record in chunk.records] == records
    assert progress.committable(PLACE) == end


def test_a_run_of_markers_alone_is_one_chunk() -> None:
    """Its end is committed past, though no agent sees it."""
    assert Run([], 5, 7).chunks(10) == [Run([], 5, 7)]
