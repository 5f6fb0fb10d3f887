"""What was applied, retried and buried is counted; freshness is measured from the commit."""

from datetime import UTC, datetime, timedelta

from runtime.metrics import Metrics
from schemas.records import LedgerEntry

COMMIT = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


def entry(seconds: float) -> LedgerEntry:
    """An order that took *seconds* from commit to write."""
    return {
        "entity": "order",
        "key": "T1",
        "target": "tryton",
        "target_id": "7",
        "outcome": "created",
        "attempts": 1,
        "source_system": "vendure",
        "source_position": 1,
        "committed_at": COMMIT,
        "applied_at": COMMIT + timedelta(seconds=seconds),
        "topic": "canonical.order",
        "partition": 0,
        "offset": 0,
    }


def test_numbers_add_up() -> None:
    """A clock that runs behind gives zero, not a negative freshness."""
    metrics = Metrics()
    metrics.applied(entry(1.5))
    metrics.applied(entry(-0.5))
    metrics.retried("order", "tryton")
    metrics.buried("order", "tryton")
    where = {"entity": "order", "target": "tryton"}

    def value(name: str, **labels: str) -> float | None:
        return metrics.registry.get_sample_value(name, {**where, **labels})

    assert value("syncline_applied_total", outcome="created") == 2
    assert value("syncline_freshness_seconds_sum") == 1.5
    assert value("syncline_retries_total") == 1
    assert value("syncline_dead_letters_total") == 1
