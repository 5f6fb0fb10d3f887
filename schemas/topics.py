"""Names in, topics out: every topic, its partitions and how long it keeps records."""

from dataclasses import dataclass, field
from typing import Literal

DAY_MS = 24 * 3600 * 1000
PARTITIONS = 4  # co-partitioned topics must agree; two to three per worker leaves room to grow


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as it should be."""

    name: str
    partitions: int = PARTITIONS
    cleanup: Literal["delete", "compact"] = "delete"
    retention_ms: int = 7 * DAY_MS
    config: dict[str, str] = field(default_factory=dict)


RAW = {
    "tryton": ("product", "stock-move", "location", "sale", "party"),
    "vendure": ("order", "customer", "product", "stock-level"),
}
REFERENCES = {
    "tryton": ("product", "location"),
    "vendure": ("variant", "customer"),
}
CANONICAL = ("order", "stock")
DEMAND = "state.demand"
LEDGER = "ledger"


def raw(system: str, document: str) -> str:
    """All rows of one document, keyed by its id, in commit order."""
    return f"cdc.{system}.{document}"


def transaction(system: str) -> str:
    """Debezium's BEGIN and END of each transaction, in commit order."""
    return f"cdc.{system}.transaction"


def heartbeat(system: str) -> str:
    """Debezium's own sign of life, each second; its name is Debezium's default."""
    return f"__debezium-heartbeat.cdc.{system}"


def reference(system: str, what: str) -> str:
    """What a foreign key stands for: small, compacted, followed by every worker."""
    return f"ref.{system}.{what}"


def canonical(entity: str) -> str:
    """The newest record of each key of *entity*."""
    return f"canonical.{entity}"


def dead_letters(group: str) -> str:
    """What the consumer group *group* gave up on, with the reason in its headers."""
    return f"dlt.{group}"


GROUPS = ("streams.orders", "streams.stock", "sinks.tryton.order", "sinks.vendure.stock")


def topics() -> list[Topic]:
    """Every topic that `syncline topics apply` makes, by name."""
    wanted = [
        *(Topic(raw(system, document)) for system in RAW for document in RAW[system]),
        *(Topic(transaction(system), partitions=1, retention_ms=DAY_MS) for system in RAW),
        *(Topic(f"cdc.{system}.message", partitions=1, retention_ms=DAY_MS) for system in RAW),
        *(Topic(heartbeat(system), partitions=1, retention_ms=DAY_MS) for system in RAW),
        *(
            Topic(reference(system, what), cleanup="compact")
            for system in REFERENCES
            for what in REFERENCES[system]
        ),
        *(Topic(canonical(entity), cleanup="compact") for entity in CANONICAL),
        Topic(DEMAND),  # not compacted: many orders share a product's key
        Topic(LEDGER, retention_ms=30 * DAY_MS),
        *(Topic(dead_letters(group), partitions=1, retention_ms=30 * DAY_MS) for group in GROUPS),
    ]
    return sorted(wanted, key=lambda topic: topic.name)
