"""What leaves for ``canonical.stock``, when, and what does not."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

import pytest

from runtime.errors import UnavailableError
from schemas import topics
from schemas.records import Stock
from streams.batch import Outbox, Table
from streams.dead_letter import DeadLetters
from streams.stock.agent import MOVES, STOCK, StockAgent
from streams.stock.catalogue import Catalogue
from streams.stock.demand import encode as encode_demand
from streams.stock.record import Rules
from streams.stock.zones import Zones, zones
from tests.unit.stock.raw import Raw, batch, known, sent, stock_move
from tests.unit.stock.scene import INPUT, LOST, RESERVE, RULES, SHELF, TREE, order, sale

LETTERS = topics.dead_letters("streams.stock")


def numbers(stock: Stock) -> bytes:
    """Write a record as few numbers, to compare."""
    return (
        f'["{stock["sku"]}", {stock["available"]:f}, {stock["on_hand"]:f},'
        f" {stock['web_waiting']:f}]".encode()
    )


@dataclass(slots=True)
class Worker:
    """A worker without a broker."""

    catalogue: Catalogue = field(default_factory=lambda: known(p12="MUG"))
    rules: Rules = RULES
    encode: Callable[[Stock], bytes] = numbers
    table: Table = field(default_factory=Table)

    def agent(self) -> StockAgent:
        letters = DeadLetters("streams.stock")
        return StockAgent(self.table, lambda: self.catalogue, self.rules, self.encode, letters)

    def take(self, topic: str, *values: bytes | None, key: bytes = b"12") -> Outbox:
        out = Outbox()
        records = [Raw(key, value, offset) for offset, value in enumerate(values)]
        self.agent().fold(batch(topic, *records), out)
        out.commit()
        return out

    def sweep(self) -> list[tuple[str, object]]:
        """Sweep until nothing changes any more; give what was sent."""
        said: list[tuple[str, object]] = []
        for _ in range(50):
            out = Outbox()
            self.agent().settle(0, out)
            said += sent(out, STOCK)
            if not out.commit():
                return said
        raise AssertionError("the sweep does not come to rest")


def test_one_record_leaves_per_product_and_batch() -> None:
    """A batch is one look: the states in between are nobody's business."""
    out = Worker().take(
        MOVES,
        stock_move(1, 1, LOST, SHELF, 5.0, "draft"),
        stock_move(1, 2, LOST, SHELF, 5.0),
        stock_move(2, 3, LOST, RESERVE, 2.0),
    )

    assert sent(out, STOCK) == [("MUG@WH", ["MUG", 7, 7, 0])]


def test_what_changes_nothing_sends_nothing() -> None:
    """The ERP writes rows without changing them, many times."""
    worker = Worker()
    worker.take(MOVES, stock_move(1, 1, LOST, SHELF, 5.0))

    assert not sent(worker.take(MOVES, stock_move(1, 2, LOST, SHELF, 5.0)), STOCK)


def test_a_replay_sends_the_record_again() -> None:
    """A crash may have kept the note that it was sent, and lost the record."""
    worker = Worker()
    event = stock_move(1, 1, LOST, SHELF, 5.0)
    first = sent(worker.take(MOVES, event), STOCK)

    assert sent(worker.take(MOVES, event), STOCK) == first


def test_a_replay_of_an_old_state_sends_nothing() -> None:
    """Its newer state comes again, too, and is what sends."""
    worker = Worker()
    worker.take(MOVES, stock_move(1, 1, LOST, SHELF, 5.0), stock_move(1, 2, LOST, SHELF, 6.0))

    assert not worker.take(MOVES, stock_move(1, 1, LOST, SHELF, 5.0)).messages


def test_demand_and_moves_meet() -> None:
    """Both topics are about the same product."""
    worker = Worker()
    worker.take(MOVES, stock_move(1, 1, LOST, SHELF, 5.0))
    out = worker.take(topics.DEMAND, encode_demand(order("W1", 2, 2)))
    cancelled = worker.take(topics.DEMAND, encode_demand(sale("W1", 3, "cancelled", 1)))

    assert sent(out, STOCK) == [("MUG@WH", ["MUG", 3, 5, 2])]
    assert sent(cancelled, STOCK) == [("MUG@WH", ["MUG", 5, 5, 0])]


def test_a_deleted_draft_takes_its_effect_with_it() -> None:
    """Debezium gives the row as it was."""
    worker = Worker()
    worker.take(MOVES, stock_move(1, 1, SHELF, INPUT, 5.0, "draft", op="c"))
    out = worker.take(MOVES, stock_move(1, 2, SHELF, INPUT, 5.0, "draft", op="d"))

    assert sent(out, STOCK) == [("MUG@WH", ["MUG", 0, 0, 0])]


def test_a_malformed_event_becomes_a_dead_letter_and_the_others_go_on() -> None:
    """With a sentence that names the column."""
    broken = stock_move(1, 1, LOST, SHELF).replace(b"internal_quantity", b"qty")
    out = Worker().take(
        MOVES, b"not JSON", broken, stock_move(2, 3, LOST, SHELF, 2.0), None, key=b"12"
    )
    letters = [message for message in out.messages if message.topic == LETTERS]
    reasons = [dict(letter.headers)["syncline.reason"] or b"" for letter in letters]

    assert [letter.value for letter in letters] == [b"not JSON", broken]
    assert b"not JSON" in reasons[0]
    assert b"stock_move.internal_quantity: the row has no such column" in reasons[1]
    assert sent(out, STOCK) == [("MUG@WH", ["MUG", 2, 2, 0])]


def test_malformed_demand_becomes_a_dead_letter() -> None:
    """Whatever wrote it."""
    out = Worker().take(
        topics.DEMAND, b"{}", b'{"kind":"wish","order":"1","position":[],"place":1}'
    )

    assert [message.topic for message in out.messages] == [LETTERS, LETTERS]


def test_a_registry_that_is_down_leaves_nothing_behind() -> None:
    """The worker stops uncommitted, and does it all again."""

    def down(_: Stock) -> bytes:
        raise UnavailableError("the registry does not answer")

    worker = Worker(encode=down)
    with pytest.raises(UnavailableError):
        worker.take(MOVES, stock_move(1, 1, LOST, SHELF, 5.0))
    worker.encode = numbers

    assert not list(worker.table.view(0, Outbox()).items())
    assert sent(worker.take(MOVES, stock_move(1, 1, LOST, SHELF, 5.0)), STOCK)


def test_a_product_without_a_sku_is_held_until_it_has_one() -> None:
    """Moves may come before the product does."""
    worker = Worker(known())
    assert not worker.take(MOVES, stock_move(1, 1, LOST, SHELF, 5.0)).messages
    assert worker.sweep() == []
    worker.catalogue = known(p12="MUG")

    assert worker.sweep() == [("MUG@WH", ["MUG", 5, 5, 0])]
    assert worker.sweep() == []


def test_a_new_sku_is_said_and_the_old_one_says_nothing_is_there() -> None:
    """Unless another product goes by the old one now."""
    worker = Worker()
    worker.take(MOVES, stock_move(1, 1, LOST, SHELF, 5.0))
    worker.sweep()
    worker.catalogue = known(p12="CUP")
    assert worker.sweep() == [("CUP@WH", ["CUP", 5, 5, 0]), ("MUG@WH", ["MUG", 0, 0, 0])]
    worker.catalogue = known(p12="JUG", p13="CUP")

    assert worker.sweep() == [("JUG@WH", ["JUG", 5, 5, 0])]


def test_new_rules_are_applied_to_what_is_there() -> None:
    """Safety stock changes with a restart, not with a move."""
    worker = Worker()
    worker.take(MOVES, stock_move(1, 1, LOST, SHELF, 5.0))
    worker.sweep()
    worker.rules = Rules(("WH",), "WH", Decimal(1), {"MUG": Decimal(2)})

    assert worker.sweep() == [("MUG@WH", ["MUG", 3, 5, 0])]


def test_a_location_that_joins_storage_brings_its_goods() -> None:
    """The tree is read anew; nothing is counted again."""
    worker = Worker()
    worker.take(MOVES, stock_move(1, 1, LOST, SHELF, 5.0), stock_move(2, 2, LOST, INPUT, 3.0))
    worker.sweep()
    worker.catalogue = Catalogue(
        zones=_zones_with_input(), skus={"12": "MUG"}, products={"MUG": "12"}, mark="new"
    )

    assert worker.sweep() == [("MUG@WH", ["MUG", 8, 8, 0])]


def test_new_zones_change_what_takes_goods_out() -> None:
    """A move from a location that joins storage lets go of its order."""
    worker = Worker()
    move = stock_move(1, 1, INPUT, LOST, 2.0, "draft", "sale.line,1")
    worker.take(MOVES, move)
    worker.take(
        topics.DEMAND,
        encode_demand(order("W1", 2, 2)),
        encode_demand(sale("W1", 3, "processing", 1)),
    )
    worker.sweep()
    before = worker.table.view(0, Outbox())[b"total/12"]["waiting"]
    worker.catalogue = Catalogue(
        zones=_zones_with_input(),
        skus={"12": "MUG"},
        products={"MUG": "12"},
        mark="new",
        zones_mark="new",
    )

    assert before == {"W1": "2"}
    assert worker.sweep() == [("MUG@WH", ["MUG", -2, 0, 0])]


def _zones_with_input() -> Zones:
    return zones({**TREE, "1": {**TREE["1"], "parent": 3}})
