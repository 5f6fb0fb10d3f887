"""What the sink workers did in, numbers for Prometheus out."""

from dataclasses import dataclass, field
from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server

from schemas.records import LedgerEntry

BUCKETS = (0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800)


class Metric(StrEnum):
    """Every number we give, what it means, and what to do about it."""

    APPLIED = "syncline_applied"
    """Records the target took, by outcome. Flat while lag grows: look at retries."""

    FRESHNESS = "syncline_freshness_seconds"
    """From the commit in the source to the write in the target. High: find the slow hop."""

    RETRIES = "syncline_retries"
    """Failed attempts that will be made again. Growing: the target is down or too slow."""

    DEAD_LETTERS = "syncline_dead_letters"
    """Records given up on. Growing: read their reasons, mend the cause, replay."""


_WHERE = ("entity", "target")


@dataclass(frozen=True, slots=True)
class Metrics:
    """The numbers of one process, in a registry of their own."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    _applied: Counter = field(init=False)
    _freshness: Histogram = field(init=False)
    _retries: Counter = field(init=False)
    _buried: Counter = field(init=False)

    def __post_init__(self) -> None:
        def counter(metric: Metric, *labels: str) -> Counter:
            return Counter(metric, metric.name, labels, registry=self.registry)

        set_once = object.__setattr__
        set_once(self, "_applied", counter(Metric.APPLIED, *_WHERE, "outcome"))
        set_once(self, "_retries", counter(Metric.RETRIES, *_WHERE))
        set_once(self, "_buried", counter(Metric.DEAD_LETTERS, *_WHERE))
        freshness = Histogram(
            Metric.FRESHNESS,
            Metric.FRESHNESS.name,
            _WHERE,
            registry=self.registry,
            buckets=BUCKETS,
        )
        set_once(self, "_freshness", freshness)

    def applied(self, entry: LedgerEntry) -> None:
        """Count one ledger entry."""
        where = (entry["entity"], entry["target"])
        self._applied.labels(*where, entry["outcome"]).inc()
        seconds = (entry["applied_at"] - entry["committed_at"]).total_seconds()
        self._freshness.labels(*where).observe(max(seconds, 0))

    def retried(self, entity: str, target: str) -> None:
        """Count one failed attempt."""
        self._retries.labels(entity, target).inc()

    def buried(self, entity: str, target: str) -> None:
        """Count one dead letter."""
        self._buried.labels(entity, target).inc()

    def serve(self, port: int) -> None:
        """Answer Prometheus on this port of the loopback interface."""
        start_http_server(port, addr="127.0.0.1", registry=self.registry)
