"""What is kept of one product between batches: sums that facts change, and what was sent."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from streams.stock.facts import NOWHERE, Place
from streams.stock.quantity import ZERO, text

Steps = tuple[int, int]  # from location, to location


@dataclass(slots=True)
class Totals:
    """
    The sums of one product.

    Attributes:
        done: By location, what done moves brought in minus what they took out.
        planned: By pair of locations, what moves that are not done yet will carry.
        waiting: By web order, what it still wants and no ERP move takes yet; never zero.
        web_open: What all web orders want that were not cancelled, moved or not.
        place: The newest place that changed anything; nowhere before the first.
        sent: By key of ``canonical.stock``, what was sent last, without its place.

    None of the sums but *waiting* depends on the location tree: zones are read off when a
    record is made, so that a new location costs no recount.
    """

    done: dict[int, Decimal] = field(default_factory=dict)
    planned: dict[Steps, Decimal] = field(default_factory=dict)
    waiting: dict[str, Decimal] = field(default_factory=dict)
    web_open: Decimal = ZERO
    place: Place = field(default_factory=lambda: NOWHERE)
    sent: dict[str, str] = field(default_factory=dict)

    def on_hand(self, zone: Iterable[int]) -> dict[int, Decimal]:
        """By location of *zone*, what is there; a location that has nothing is left out."""
        return {here: self.done[here] for here in zone if here in self.done}

    def committed(self, zone: frozenset[int]) -> dict[int, Decimal]:
        """By location of *zone*, what planned moves will take out of the zone from there."""
        leaving: dict[int, Decimal] = {}
        for (start, end), quantity in self.planned.items():
            if start in zone and end not in zone:
                _add(leaving, start, quantity)
        return leaving

    def carry(self, start: int, end: int, quantity: Decimal) -> None:
        """Count a done move; a negative quantity takes it back."""
        _add(self.done, start, -quantity)
        _add(self.done, end, quantity)

    def plan(self, start: int, end: int, quantity: Decimal) -> None:
        """Count a move that is not done yet; a negative quantity takes it back."""
        _add(self.planned, (start, end), quantity)

    def wait(self, order: str, quantity: Decimal) -> None:
        """Say what *order* still waits for."""
        if quantity:
            self.waiting[order] = quantity
        else:
            self.waiting.pop(order, None)

    def as_json(self) -> dict[str, Any]:
        """Give the form that `from_json` reads; equal totals, equal form."""
        return {
            "done": {str(here): text(q) for here, q in sorted(self.done.items())},
            "planned": {f"{a}>{b}": text(q) for (a, b), q in sorted(self.planned.items())},
            "waiting": {order: text(q) for order, q in sorted(self.waiting.items())},
            "web_open": text(self.web_open),
            "place": self.place,
            "sent": self.sent,
        }


def from_json(kept: Mapping[str, Any]) -> Totals:
    """Read back what `Totals.as_json` gave."""
    return Totals(
        done={int(here): Decimal(q) for here, q in kept["done"].items()},
        planned={_steps(pair): Decimal(q) for pair, q in kept["planned"].items()},
        waiting={order: Decimal(q) for order, q in kept["waiting"].items()},
        web_open=Decimal(kept["web_open"]),
        place=kept["place"],
        sent=dict(kept["sent"]),
    )


def _steps(pair: str) -> Steps:
    start, _, end = pair.partition(">")
    return int(start), int(end)


def _add(sums: dict[Any, Decimal], key: Any, quantity: Decimal) -> None:
    total = sums.get(key, ZERO) + quantity
    if total:
        sums[key] = total
    else:
        sums.pop(key, None)
