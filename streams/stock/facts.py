"""
What the stock of a product rests on, as plain values: ERP moves, web orders, and their sales.

Each fact is the whole newest state of one thing, and *at* says where in its source's log it
stands. A newer fact replaces an older one; nothing is ever added up twice.
"""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, TypedDict

from schemas.records import Source
from streams.change_event import EPOCH, ChangeEvent, Position

DELETED = "deleted"
_MICROSECOND = timedelta(microseconds=1)


class Place(TypedDict):
    """A place in a source system's log, as it is kept: `Source` with the time in microseconds."""

    system: str
    table: str
    position: int
    transaction: str
    commit_time: int


NOWHERE: Place = {"system": "", "table": "", "position": 0, "transaction": "", "commit_time": 0}


def place(source: Source) -> Place:
    """Write *source* for keeping."""
    return {**source, "commit_time": (source["commit_time"] - EPOCH) // _MICROSECOND}


def place_of(event: ChangeEvent) -> Place:
    """Where *event* stands, for keeping."""
    return {
        "system": event.system,
        "table": event.table,
        "position": event.position.reach,
        "transaction": event.transaction,
        "commit_time": (event.commit_time - EPOCH) // _MICROSECOND,
    }


def source(kept: Place) -> Source:
    """Read back what `place` wrote."""
    return {**kept, "commit_time": EPOCH + kept["commit_time"] * _MICROSECOND}


def newest(one: Place, other: Place) -> Place:
    """The later of two places; which one comes first makes no difference."""
    return max(one, other, key=_moment)


@dataclass(frozen=True, slots=True)
class Move:
    """
    A move of goods between two locations, planned, done, cancelled or deleted.

    *quantity* is in the product's default unit. *origin* is what it was made for, as the ERP
    writes it: ``sale.line,3``, or ``stock.move,7`` for the step before or after another move.
    """

    id: int
    at: Position
    from_location: int
    to_location: int
    quantity: Decimal
    state: str
    origin: str | None
    place: Place

    def supersedes(self, held: list[int]) -> bool:
        """Whether it is newer than a state of the same move at *held*."""
        return self.at.newer_than(Position.from_json(held))

    @property
    def sale_line(self) -> int | None:
        """The sale line it was made for."""
        return _reference(self.origin, "sale.line")

    @property
    def step_of(self) -> int | None:
        """The move of which it is the step before or after."""
        return _reference(self.origin, "stock.move")


@dataclass(frozen=True, slots=True)
class WebOrder:
    """How much of the product a web order wants; zero when it was cancelled."""

    order: str
    at: tuple[int, ...]
    quantity: Decimal
    place: Place

    def supersedes(self, held: list[int]) -> bool:
        """Whether it is not older; of two states at one place, the later sent is the newer."""
        return self.at >= tuple(held)


@dataclass(frozen=True, slots=True)
class Sale:
    """The ERP's sale of a web order: its state, and the lines that are for the product."""

    order: str
    at: tuple[int, ...]
    state: str
    lines: tuple[int, ...]
    place: Place

    def supersedes(self, held: list[int]) -> bool:
        """Whether it is not older; of two states at one place, the later sent is the newer."""
        return self.at >= tuple(held)


Fact = Move | WebOrder | Sale


def _reference(origin: str | None, model: str) -> int | None:
    if origin is None:
        return None
    name, _, number = origin.partition(",")
    return int(number) if name == model and number.isdigit() else None


def _moment(kept: Place) -> tuple[Any, ...]:
    return kept["commit_time"], kept["system"], kept["position"], kept["table"]
