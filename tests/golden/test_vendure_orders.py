"""
Recorded rows of real shop orders in, the orders that the ERP must see out.

Each file holds what Debezium said of one order, what its ids stand for, and the record. The
amounts were compared with the shop's own answers, line by line, when they were recorded.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from streams.change_event import parse
from streams.document import fold, load
from streams.mappings.vendure.customer import CustomerReference
from streams.mappings.vendure.order import NotPlaced, order
from streams.mappings.vendure.variant import VariantReference

CASES = sorted((Path(__file__).parent / "vendure" / "order").glob("*.json"))


@dataclass(frozen=True, slots=True)
class Recorded:
    """References as a golden file has them."""

    buyer: CustomerReference
    variants: Mapping[str, VariantReference]

    def customer(self, identity: int) -> CustomerReference:
        assert identity
        return self.buyer

    def variant(self, identity: int) -> VariantReference | None:
        return self.variants.get(str(identity))


def plain(value: Any) -> Any:
    """Write a record as JSON can hold it."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if isinstance(value, Decimal):
        return str(value)
    return value.isoformat() if isinstance(value, datetime) else value


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_recorded_rows_become_the_recorded_order(path: Path) -> None:
    """Ugly prices, discounts, gifts, surcharges and cancellations agree with the shop."""
    case = json.loads(path.read_text(encoding="utf-8"))
    references = Recorded(case["customer"], case["variants"])
    cells: dict[bytes, Any] = {}
    for recorded in case["events"]:
        key, value = recorded["key"].encode(), json.dumps(recorded["value"]).encode()
        event = parse(key, value)
        assert event is not None
        fold(cells, key, event)
    (key,) = {recorded["key"].encode() for recorded in case["events"]}
    document = load(cells, key)
    assert document is not None
    record = order(document, references)

    assert not isinstance(record, NotPlaced)
    assert plain(record) == case["record"]
    assert_adds_up(case["record"])


def assert_adds_up(record: Mapping[str, Any]) -> None:
    """Check the sums that every order must satisfy, from the record alone."""
    parts = [*record["lines"], *record["charges"]]
    net = sum(Decimal(part.get("line_extension_amount") or part["amount"]) for part in parts)
    tax = sum(Decimal(part["tax_amount"]) for part in parts)
    gross = sum(Decimal(part["tax_inclusive_amount"]) for part in parts)

    assert net == Decimal(record["tax_exclusive_amount"])
    assert tax == Decimal(record["tax_amount"])
    assert gross == net + tax == Decimal(record["tax_inclusive_amount"])
