"""What web orders want reaches the product that the ERP keeps it under."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson

from runtime.errors import MappingError
from schemas import topics
from schemas.records import Order
from streams.batch import Outbox, Table
from streams.dead_letter import DeadLetters
from streams.stock.catalogue import Catalogue
from streams.stock.order_demand import ORDERS, OrderDemand
from tests.unit.stock.raw import Raw, batch, known, sent

Said = list[tuple[str, str, str]]


def order(code: str, moment: int, status: str = "placed", **wants: str) -> bytes:
    """Write the parts of a canonical order that matter here."""
    lines = [{"sku": sku, "quantity": quantity} for sku, quantity in wants.items()]
    return orjson.dumps({"id": code, "status": status, "lines": lines, "position": moment})


def read(value: bytes) -> Order:
    """Read what `order` wrote."""
    try:
        said: dict[str, Any] = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise MappingError(f"not an order: {error}") from error
    source = {
        "system": "vendure",
        "table": "order",
        "position": said["position"],
        "transaction": "7",
        "commit_time": datetime(2026, 11, 24, tzinfo=UTC),
    }
    lines = [{**line, "quantity": Decimal(line["quantity"])} for line in said["lines"]]
    made: Any = {**said, "source": source, "lines": lines}
    result: Order = made
    return result


@dataclass(slots=True)
class Desk:
    """The agent with a table and without a broker."""

    catalogue: Catalogue = field(default_factory=lambda: known(p12="MUG", p13="CUP"))
    table: Table = field(default_factory=Table)
    offset: int = 0

    def agent(self) -> OrderDemand:
        letters = DeadLetters("streams.stock")
        return OrderDemand(self.table, lambda: self.catalogue, read, letters)

    def take(self, *values: bytes | None, offset: int | None = None) -> Outbox:
        out, first = Outbox(), self.offset if offset is None else offset
        records = [Raw(b"code", value, first + n) for n, value in enumerate(values)]
        self.offset = first + len(records)
        self.agent().fold(batch(ORDERS, *records), out)
        out.commit()
        return out

    def sweep(self) -> Outbox:
        out = Outbox()
        self.agent().follow(0, out)
        out.commit()
        return out


def said(out: Outbox) -> Said:
    """Product, order and quantity of what was said."""
    return [(key, it["order"], it["quantity"]) for key, it in sent(out, topics.DEMAND)]


def test_each_sku_goes_to_its_product() -> None:
    """Keyed by the ERP's product id, as its moves are."""
    out = Desk().take(order("W1", 1, MUG="2", CUP="1.0000"))
    value = sent(out, topics.DEMAND)[0][1]

    assert said(out) == [("12", "W1", "2"), ("13", "W1", "1")]
    assert value["kind"] == "order"
    assert value["place"]["system"] == "vendure"
    assert value["position"] == [1, 0]


def test_lines_of_one_sku_are_added_up() -> None:
    """Two lines may be for the same thing."""
    lines = [{"sku": "MUG", "quantity": "2"}, {"sku": "MUG", "quantity": "3"}]
    value = orjson.dumps({"id": "W1", "status": "placed", "lines": lines, "position": 1})

    assert said(Desk().take(value)) == [("12", "W1", "5")]


def test_a_cancelled_order_wants_nothing() -> None:
    """Its quantities are zero."""
    assert said(Desk().take(order("W1", 1, "cancelled", MUG="2"))) == [("12", "W1", "0")]


def test_a_sku_that_left_the_order_is_wanted_no_more() -> None:
    """And that is said again with every replay, for a crash may have lost it."""
    desk = Desk()
    desk.take(order("W1", 1, MUG="2", CUP="1"))
    newer = order("W1", 2, CUP="1")

    assert sorted(said(desk.take(newer))) == [("12", "W1", "0"), ("13", "W1", "1")]
    assert sorted(said(desk.take(newer, offset=1))) == [("12", "W1", "0"), ("13", "W1", "1")]


def test_an_older_version_changes_nothing() -> None:
    """Sent again by a stream that started again."""
    desk = Desk()
    desk.take(order("W1", 5, MUG="2"))

    assert not desk.take(order("W1", 4, MUG="9")).messages


def test_an_order_for_an_unknown_sku_is_held_until_it_is_known() -> None:
    """The product may be captured later than the order."""
    desk = Desk(known())
    assert not desk.take(order("W1", 1, MUG="2"), order("W2", 2, MUG="1")).messages
    assert not desk.sweep().messages
    desk.catalogue = known(p12="MUG")

    assert said(desk.sweep()) == [("12", "W1", "2"), ("12", "W2", "1")]
    assert not desk.sweep().messages


def test_demand_moves_with_its_sku() -> None:
    """The product that had it wants nothing for these orders any more."""
    desk = Desk()
    desk.take(order("W1", 1, MUG="2"))
    desk.catalogue = known(p44="MUG")

    assert said(desk.sweep()) == [("12", "W1", "0"), ("44", "W1", "2")]
    assert said(desk.take(order("W1", 2, MUG="3"))) == [("44", "W1", "3")]


def test_a_sku_that_disappears_stays_with_its_product() -> None:
    """A product that was renamed or deleted in the ERP still owes what was ordered."""
    desk = Desk()
    desk.take(order("W1", 1, MUG="2"))
    desk.catalogue = known()

    assert not desk.sweep().messages
    assert said(desk.take(order("W1", 2, MUG="1"))) == [("12", "W1", "1")]


def test_a_record_that_is_no_order_becomes_a_dead_letter() -> None:
    """And the order behind it is taken."""
    out = Desk().take(b"rubbish", None, order("W1", 1, MUG="2"))

    assert out.messages[0].topic == topics.dead_letters("streams.stock")
    assert said(out) == [("12", "W1", "2")]
