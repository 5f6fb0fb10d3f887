"""Times are nearest-rank percentiles over effective writes."""

from datetime import UTC, datetime, timedelta

import pytest

from ops.demo.compare import Findings
from ops.demo.report import flow, percentile
from schemas.records import LedgerEntry

START = datetime(2026, 11, 24, tzinfo=UTC)


def entry(key: str, milliseconds: int, *, changed: bool = True) -> LedgerEntry:
    """A write that took so long from commit to applied."""
    return {
        "entity": "order",
        "key": key,
        "target": "tryton",
        "target_id": "1",
        "outcome": "created" if changed else "unchanged",
        "attempts": 1,
        "source_system": "vendure",
        "source_position": 1,
        "committed_at": START,
        "applied_at": START + timedelta(milliseconds=milliseconds),
        "topic": "canonical.order",
        "partition": 0,
        "offset": 0,
    }


@pytest.mark.parametrize(("share", "value"), [(0.5, 2), (0.95, 4), (0.25, 1), (1.0, 4)])
def test_percentiles_are_nearest_rank(share: float, value: float) -> None:
    """Always a value that was seen."""
    assert percentile([4, 1, 3, 2], share) == value


def test_a_flow_counts_what_was_written() -> None:
    """Records that needed no write have no time; a key created twice is a duplicate."""
    written = int(START.timestamp() * 1000) + 40
    entries = [entry("a", 100), entry("b", 300), entry("b", 200), entry("c", 9, changed=False)]

    row = flow("orders", ["a", "b"], entries, Findings(2, (), (), ()), {(0, 0): written})

    assert (row.sent, row.applied, row.duplicates, row.mismatches) == (2, 2, 1, 0)
    assert (row.record_p50_ms, row.p50_ms, row.p95_ms, row.max_ms) == (40, 200, 300, 300)


def test_a_flow_without_writes_has_no_times() -> None:
    """Nothing to measure is not zero milliseconds."""
    row = flow("stock", [], [], Findings(0, (), (), ()), {})

    assert (row.record_p50_ms, row.p50_ms, row.max_ms) == (None, None, None)
