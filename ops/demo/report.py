"""Ledger entries and findings in, one row per flow and the demo's report out."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from ops.demo.compare import Findings
from schemas.records import LedgerEntry


@dataclass(frozen=True, slots=True)
class Flow:
    """
    One flow of the demo: counts, and times in milliseconds from the commit in the source system.

    *record_p50_ms* is when the canonical record stood in Kafka: what Syncline itself takes. The
    others end when the target system has answered; its own working time is in them.
    """

    flow: str
    sent: int
    applied: int
    duplicates: int
    mismatches: int
    record_p50_ms: int | None
    p50_ms: int | None
    p95_ms: int | None
    max_ms: int | None


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile of *values*, which must not be empty."""
    ordered = sorted(values)
    rank = max(1, -(-len(ordered) * int(share * 100) // 100))
    return ordered[rank - 1]


def flow(
    name: str,
    keys: Collection[str],
    entries: Iterable[LedgerEntry],
    findings: Findings,
    written_ms: Mapping[tuple[int, int], int],
) -> Flow:
    """
    Sum up one flow: *keys* were sent; applied are those that the ledger has and nobody misses.

    Times count effective writes; those that found nothing to do are left out. *written_ms* tells
    when a canonical record was written (milliseconds since 1970), by partition and offset.
    """
    listed = list(entries)
    effective = [entry for entry in listed if entry["outcome"] != "unchanged"]
    times = [
        (entry["applied_at"] - entry["committed_at"]).total_seconds() * 1000 for entry in effective
    ]
    in_kafka = [
        written_ms[entry["partition"], entry["offset"]] - entry["committed_at"].timestamp() * 1000
        for entry in effective
        if (entry["partition"], entry["offset"]) in written_ms
    ]
    created = Counter(entry["key"] for entry in effective if entry["outcome"] == "created")
    doubled = sum(count - 1 for count in created.values()) + len(findings.doubled)
    return Flow(
        flow=name,
        sent=len(keys),
        applied=len(set(keys) & {entry["key"] for entry in listed} - set(findings.lost)),
        duplicates=doubled,
        mismatches=len(findings.different) + len(findings.lost),
        record_p50_ms=_percentile(in_kafka, 0.50),
        p50_ms=_percentile(times, 0.50),
        p95_ms=_percentile(times, 0.95),
        max_ms=_percentile(times, 1.0),
    )


def _percentile(values: Sequence[float], share: float) -> int | None:
    return round(percentile(values, share)) if values else None


def table(flows: Iterable[Flow]) -> Table:
    """The same, for a person."""
    drawn = Table(
        title="from the commit in the source system, in milliseconds",
        title_justify="left",
        box=SIMPLE_HEAD,
        pad_edge=False,
    )
    drawn.add_column("flow", no_wrap=True)
    for column in ("sent", "applied", "dupl.", "differ", "record", "p50", "p95", "max"):
        drawn.add_column(column, justify="right", no_wrap=True)
    for row in flows:
        cells = (row.sent, row.applied, row.duplicates, row.mismatches)
        times = (row.record_p50_ms, row.p50_ms, row.p95_ms, row.max_ms)
        drawn.add_row(row.flow, *("–" if cell is None else str(cell) for cell in cells + times))
    return drawn


def as_json(flows: Iterable[Flow], problems: Sequence[str], seconds: float) -> dict[str, Any]:
    """What ``demo-report.json`` holds."""
    return {
        "ok": not problems,
        "seconds": round(seconds, 1),
        "flows": [asdict(row) for row in flows],
        "problems": list(problems),
    }
