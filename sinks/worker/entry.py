"""A record and what its write did in, its ledger entry out."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from runtime.inbox import Incoming
from schemas.records import LedgerEntry
from sinks.sink import Applied


def ledger_entry(  # noqa: PLR0913 - an entry has these parts
    entity: str,
    target: str,
    record: Incoming,
    *,
    value: Mapping[str, Any] | None,
    applied: Applied,
    attempts: int,
    now: datetime,
) -> LedgerEntry:
    """Say what was written, from which place in the source's log, and how long it took."""
    source = value["source"] if value is not None else None
    arrived = datetime.fromtimestamp(max(record.timestamp, 0) / 1000, tz=UTC)
    return {
        "entity": entity,
        "key": record.key.decode(errors="replace"),
        "target": target,
        "target_id": applied.target_id,
        "outcome": applied.outcome,
        "attempts": attempts,
        "source_system": source["system"] if source else "",
        "source_position": source["position"] if source else 0,
        # A tombstone carries no source: what is known is when the log took it.
        "committed_at": source["commit_time"] if source else arrived,
        "applied_at": now,
        "topic": record.place.topic,
        "partition": record.place.partition,
        "offset": record.offset,
    }
