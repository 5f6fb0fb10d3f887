"""Ledger entries and findings in, one row per flow and the demo's report out."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table

from ops.demo.compare import Findings
from schemas.records import LedgerEntry


@dataclass(frozen=True, slots=True)
class Flow:
    """One flow of the demo: counts, and commit-to-applied times in milliseconds."""

    flow: str
    sent: int
    applied: int
    duplicates: int
    mismatches: int
    p50_ms: int | None
    p95_ms: int | None
    max_ms: int | None


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile of *values*, which must not be empty."""
    ordered = sorted(values)
    rank = max(1, -(-len(ordered) * int(share * 100) // 100))
    return ordered[rank - 1]


def flow(name: str, sent: int, entries: Iterable[LedgerEntry], findings: Findings) -> Flow:
    """
    Sum up one flow.

    Times count the first effective write of each record from the commit in the source system
    to the answer of the target system; writes that found nothing to do are not counted.
    """
    effective = [entry for entry in entries if entry["outcome"] != "unchanged"]
    times = [
        (entry["applied_at"] - entry["committed_at"]).total_seconds() * 1000 for entry in effective
    ]
    created = Counter(entry["key"] for entry in effective if entry["outcome"] == "created")
    doubled = sum(count - 1 for count in created.values()) + len(findings.doubled)
    return Flow(
        flow=name,
        sent=sent,
        applied=findings.compared - len(findings.lost),
        duplicates=doubled,
        mismatches=len(findings.different) + len(findings.lost),
        p50_ms=round(percentile(times, 0.50)) if times else None,
        p95_ms=round(percentile(times, 0.95)) if times else None,
        max_ms=round(max(times)) if times else None,
    )


def table(flows: Iterable[Flow]) -> Table:
    """The same, for a person."""
    drawn = Table(title="commit in the source → applied in the target")
    drawn.add_column("flow")
    for column in ("sent", "applied", "duplicates", "mismatches", "p50 ms", "p95 ms", "max ms"):
        drawn.add_column(column, justify="right")
    for row in flows:
        cells = [row.sent, row.applied, row.duplicates, row.mismatches]
        times = [row.p50_ms, row.p95_ms, row.max_ms]
        drawn.add_row(
            row.flow,
            *(str(cell) for cell in cells),
            *("–" if time is None else str(time) for time in times),
        )
    return drawn


def as_json(flows: Iterable[Flow], problems: Sequence[str], seconds: float) -> dict[str, Any]:
    """What ``demo-report.json`` holds."""
    return {
        "ok": not problems,
        "seconds": round(seconds, 1),
        "flows": [asdict(row) for row in flows],
        "problems": list(problems),
    }
