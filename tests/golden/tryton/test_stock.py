"""ERP rows and web demand in, the stock record out: the whole life of a product."""

import json
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest

from schemas import topics
from schemas.records import Stock
from streams.batch import Batch, Outbox, Record, Table
from streams.change_event import parse
from streams.dead_letter import DeadLetters
from streams.mappings.tryton.location import location
from streams.stock.agent import MOVES, STOCK, StockAgent
from streams.stock.catalogue import Catalogue, catalogue
from streams.stock.record import Rules
from streams.stock.sale_demand import SALES, SaleDemand

HERE = Path(__file__).parent / "stock"
LIFE = json.loads((HERE / "life.json").read_text(encoding="utf-8"))
RECORDED = [
    json.loads(line) for line in (HERE / "recorded.jsonl").read_text(encoding="utf-8").splitlines()
]
PRODUCTS = {
    "30": {"sku": "ALL-LONG", "active": True, "type": "goods"},
    "39": {"sku": "LIV-PETITP-REL", "active": True, "type": "goods"},
}
RULES = Rules(warehouses=("WH",), web_warehouse="WH")
PLACE = {"system": "vendure", "table": "order", "position": 1, "transaction": "1"}


@dataclass(frozen=True, slots=True)
class Raw:
    """A record as the broker has it."""

    key: bytes | None
    value: bytes | None
    offset: int
    timestamp: int = 0
    headers: tuple[tuple[str, bytes | None], ...] = ()


def known() -> Catalogue:
    """Products, and the location tree as it was captured."""
    tree = {}
    for event in recorded("cdc.tryton.location"):
        change = parse(event.key, event.value)
        assert change is not None
        assert change.after is not None
        tree[change.identity] = location(change.after)
    return catalogue(PRODUCTS, tree)


def recorded(topic: str) -> list[Record]:
    """What was captured of *topic*."""
    events = [event for event in RECORDED if event["topic"] == topic]
    return [
        Raw(event["key"].encode(), orjson.dumps(event["value"]), offset)
        for offset, event in enumerate(events)
    ]


@dataclass(slots=True)
class Stocktaker:
    """The stock agent with a table and without a broker; remembers the newest records."""

    newest: dict[str, Stock] = field(default_factory=dict)
    table: Table = field(default_factory=Table)
    offset: int = 0

    def take(self, topic: str, records: list[Record]) -> None:
        """Let the agent take over one batch."""
        said: list[Stock] = []

        def encode(stock: Stock) -> bytes:
            said.append(stock)
            return b"%d" % (len(said) - 1)

        out = Outbox()
        agent = StockAgent(self.table, known, RULES, encode, DeadLetters("streams.stock"))
        agent.fold(Batch(topic, 0, records), out)
        for message in out.messages:
            assert message.topic == STOCK
            self.newest[(message.key or b"").decode()] = said[int(message.value or b"")]
        out.commit()

    def tell(self, key: str, value: dict[str, Any]) -> Record:
        """Make the next record of the log."""
        self.offset += 1
        return Raw(key.encode(), orjson.dumps(value), self.offset)


def row_change(step: list[Any], moment: int) -> dict[str, Any]:
    """Write a short row change of the golden file as Debezium does."""
    op, number, start, end, quantity, state, origin = step
    row = {
        "id": number,
        "product": 30,
        "from_location": start,
        "to_location": end,
        "internal_quantity": float(quantity),
        "state": state,
        "origin": origin,
    }
    return {
        "op": op,
        "before": None if op == "c" else row,
        "after": None if op == "d" else row,
        "source": {
            "name": "cdc.tryton",
            "table": "stock_move",
            "lsn": moment,
            "sequence": f'["{moment - 1}","{moment}"]',
            "snapshot": "false",
            "txId": moment,
            "ts_us": moment * 1000,
        },
    }


def short(stock: Stock) -> dict[str, Any]:
    """Write a record as the golden file does."""
    return {
        "available": str(int(stock["available"])),
        "on_hand": str(int(stock["on_hand"])),
        "committed": str(int(stock["committed"])),
        "web_waiting": str(int(stock["web_waiting"])),
        "web_open": str(int(stock["web_open"])),
        "locations": {
            each["code"]: [str(int(each["on_hand"])), str(int(each["committed"]))]
            for each in stock["locations"]
        },
    }


def test_the_whole_life_of_a_product() -> None:
    """Receipt, order, sale, moves, assign, pick, ship, return, transfer, cancel, inventory."""
    stocktaker, moment = Stocktaker(), 100
    for step in LIFE:
        for change in step.get("moves", []):
            moment += 1
            stocktaker.take(MOVES, [stocktaker.tell("30", row_change(change, moment))])
        for said in step.get("demand", []):
            moment += 1
            demand = {**said, "position": [moment], "place": {**PLACE, "commit_time": moment}}
            stocktaker.take(topics.DEMAND, [stocktaker.tell("30", demand)])

        assert short(stocktaker.newest["ALL-LONG@WH"]) == step["stock"], step["what"]


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_what_was_captured_from_the_real_erp(size: int) -> None:
    """A snapshot, a sale of a web order from draft to processing, and a receipt."""
    stocktaker, sales, out = Stocktaker(), Table(), Outbox()
    SaleDemand(sales, DeadLetters("streams.stock")).fold(Batch(SALES, 0, recorded(SALES)), out)
    demand: list[Record] = [
        Raw(message.key, message.value, offset) for offset, message in enumerate(out.messages)
    ]
    for key, quantity in (("30", "1"), ("39", "3")):
        place = {**PLACE, "commit_time": 1}
        wants = {"kind": "order", "order": "JFB7Z5R9DFLQV41P", "quantity": quantity}
        demand.append(stocktaker.tell(key, {**wants, "position": [1, 0], "place": place}))
    for topic, records in ((MOVES, recorded(MOVES)), (topics.DEMAND, demand)):
        for start in range(0, len(records), size):
            stocktaker.take(topic, records[start : start + size])
    onions, prince = stocktaker.newest["ALL-LONG@WH"], stocktaker.newest["LIV-PETITP-REL@WH"]

    assert short(onions) == {
        "available": "1502",
        "on_hand": "1505",
        "committed": "3",
        "web_waiting": "0",
        "web_open": "1",
        "locations": {"RAY-A": ["305", "0"], "RESERVE": ["1200", "0"], "STO": ["0", "3"]},
    }
    assert short(prince)["available"] == "71"
    assert onions["source"]["system"] == "tryton"
    assert onions["available"] == Decimal(1502)
