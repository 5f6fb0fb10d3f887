"""Raw records and small catalogues for the tests of agents."""

from dataclasses import dataclass
from typing import Any

import orjson

from streams.batch import Batch, Outbox, Record
from streams.stock.catalogue import Catalogue, catalogue
from tests.unit.stock.scene import TREE


@dataclass(frozen=True, slots=True)
class Raw:
    """A record as the broker has it."""

    key: bytes | None
    value: bytes | None
    offset: int = 0
    timestamp: int = 0
    headers: tuple[tuple[str, bytes | None], ...] = ()


def batch(topic: str, *records: Record, partition: int = 0) -> Batch:
    """Make one fetched run."""
    return Batch(topic, partition, records)


def known(**skus: str) -> Catalogue:
    """Make a catalogue of goods: ``known(p12="MUG")`` is product 12."""
    products = {number[1:]: {"sku": sku, "type": "goods"} for number, sku in skus.items()}
    return catalogue(products, TREE)


def sent(out: Outbox, topic: str) -> list[tuple[str, Any]]:
    """What was sent to *topic*: keys, and values read as JSON."""
    return [
        ((message.key or b"").decode(), orjson.loads(message.value or b"null"))
        for message in out.messages
        if message.topic == topic
    ]


def change(
    table: str,
    row: dict[str, Any],
    moment: int,
    op: str = "u",
    *,
    snapshot: bool = False,
) -> bytes:
    """Write a row change as Debezium does."""
    after = "null" if snapshot else f'"{moment - 1}"'
    return orjson.dumps(
        {
            "op": op,
            "before": None if op in {"c", "r"} else row,
            "after": None if op == "d" else row,
            "source": {
                "name": "cdc.tryton",
                "table": table,
                "lsn": moment,
                "sequence": f'[{after},"{moment}"]',
                "snapshot": "true" if snapshot else "false",
                "txId": moment,
                "ts_us": moment * 1000,
            },
        }
    )


def stock_move(  # noqa: PLR0917 - a row has these columns
    number: int,
    moment: int,
    start: int,
    end: int,
    quantity: float = 1.0,
    state: str = "done",
    origin: str | None = None,
    op: str = "u",
) -> bytes:
    """Write a change of one row of ``stock_move``."""
    row = {
        "id": number,
        "from_location": start,
        "to_location": end,
        "internal_quantity": quantity,
        "state": state,
        "origin": origin,
    }
    return change("stock_move", row, moment, op)
