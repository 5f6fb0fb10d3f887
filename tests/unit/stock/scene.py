"""A small warehouse for the tests: its locations, and facts about what happens in it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, cast

from streams.batch import Outbox, Outgoing, Record, Table
from streams.change_event import Position
from streams.stock.facts import Fact, Move, Place, Sale, WebOrder
from streams.stock.product import Product
from streams.stock.record import Rules
from streams.stock.zones import Zones, zones

KEY = b"12"
SUPPLIER, CUSTOMER, LOST = 6, 7, 4
INPUT, OUTPUT, STORAGE, SHELF, RESERVE = 1, 2, 3, 9, 10
ELSEWHERE = 21

TREE: dict[str, dict[str, Any]] = {
    "1": {"parent": 5, "type": "storage", "code": "IN", "name": "Input", "storage": None},
    "2": {"parent": 5, "type": "storage", "code": "OUT", "name": "Output", "storage": None},
    "3": {"parent": 5, "type": "storage", "code": "STO", "name": "Storage", "storage": None},
    "4": {"parent": None, "type": "lost_found", "code": None, "name": "Lost", "storage": None},
    "5": {"parent": None, "type": "warehouse", "code": "WH", "name": "Main", "storage": 3},
    "6": {"parent": None, "type": "supplier", "code": "SUP", "name": "Supplier", "storage": None},
    "7": {"parent": None, "type": "customer", "code": "CUS", "name": "Customer", "storage": None},
    "9": {"parent": 3, "type": "storage", "code": "SHELF", "name": "Shelf", "storage": None},
    "10": {"parent": 3, "type": "storage", "code": "RESERVE", "name": "Reserve", "storage": None},
    "20": {"parent": None, "type": "warehouse", "code": "FAR", "name": "Far", "storage": 21},
    "21": {"parent": 20, "type": "storage", "code": "FSTO", "name": "Far away", "storage": None},
}
ZONES: Zones = zones(TREE)
RULES = Rules(warehouses=("WH",), web_warehouse="WH")


def place(moment: int, system: str = "tryton") -> Place:
    """Say where something that happened at *moment* stands in its log."""
    return {
        "system": system,
        "table": "stock_move",
        "position": moment,
        "transaction": str(moment),
        "commit_time": moment * 1000,
    }


def move(  # noqa: PLR0917 - a move has these parts
    number: int,
    moment: int,
    start: int,
    end: int,
    quantity: int | str = 1,
    state: str = "done",
    origin: str | None = None,
) -> Move:
    """Make a move as the ERP says it at *moment*."""
    return Move(
        id=number,
        at=Position(moment, moment - 1),
        from_location=start,
        to_location=end,
        quantity=Decimal(quantity),
        state=state,
        origin=origin,
        place=place(moment),
    )


def order(code: str, moment: int, quantity: int | str) -> WebOrder:
    """Make what a web order wants, as the shop says it at *moment*."""
    return WebOrder(code, (moment, moment), Decimal(quantity), place(moment, "vendure"))


def sale(code: str, moment: int, state: str, *lines: int) -> Sale:
    """Make the sale of a web order, as the ERP says it at *moment*."""
    return Sale(code, (moment,), state, lines, place(moment))


@dataclass(slots=True)
class Shelves:
    """One partition of a real table, and all that its changelog ever said."""

    changelog: list[Outgoing] = field(default_factory=list)
    table: Table = field(default_factory=Table)

    def __post_init__(self) -> None:
        self.table.recover(0, cast("list[Record]", self.changelog))

    def take(self, facts: Sequence[Fact], zones_then: Zones = ZONES) -> Product:
        """Take over one batch as the agent does."""
        out = Outbox()
        product = Product(KEY, self.table.view(0, out), zones_then)
        for fact in facts:
            product.apply(fact)
        product.flush()
        self.changelog += out.commit()
        return product

    def look(self) -> Product:
        """Read the product as it is kept."""
        return Product(KEY, self.table.view(0, Outbox()), ZONES)
