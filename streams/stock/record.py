"""A product's totals in, the record of ``canonical.stock`` out."""

from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import blake2b

import orjson

from schemas.records import Stock, StockLocation
from streams.stock.facts import Place, source
from streams.stock.quantity import ZERO, ceiling, floor, text
from streams.stock.totals import Totals
from streams.stock.zones import Zones

ONE = "C62"  # UN/ECE Recommendation 20: one piece


@dataclass(frozen=True, slots=True)
class Rules:
    """
    What `syncline.toml` says about stock.

    Web orders are served from *web_warehouse*; *safety* is kept back of each SKU that
    *safety_by_sku* does not name.
    """

    warehouses: tuple[str, ...]
    web_warehouse: str
    safety: Decimal = ZERO
    safety_by_sku: dict[str, Decimal] = field(default_factory=dict)

    @property
    def mark(self) -> str:
        """Equal for rules that say the same."""
        return blake2b(repr(self).encode(), digest_size=8).hexdigest()

    def kept_back(self, sku: str) -> Decimal:
        """Safety stock of *sku*."""
        return self.safety_by_sku.get(sku, self.safety)


def key(sku: str, warehouse: str) -> str:
    """Name what a record is about."""
    return f"{sku}@{warehouse}"


def record(totals: Totals, sku: str, at: str, zones: Zones, rules: Rules) -> Stock:
    """
    Add up what can be promised of *sku* at the warehouse *at*.

    Each part is rounded against the shop to the record's scale, and what is available is the sum
    of the rounded parts: it is never more than they say.
    """
    zone = zones.warehouses[at]
    on_hand, committed = totals.on_hand(zone), totals.committed(zone)
    web = at == rules.web_warehouse
    parts = {
        "on_hand": floor(sum(on_hand.values(), ZERO)),
        "committed": ceiling(sum(committed.values(), ZERO)),
        "web_waiting": ceiling(sum(totals.waiting.values(), ZERO) if web else ZERO),
        "safety_stock": ceiling(rules.kept_back(sku)),
    }
    locations = [
        StockLocation(
            code=zones.names.get(here, str(here)),
            on_hand=floor(on_hand.get(here, ZERO)),
            committed=ceiling(committed.get(here, ZERO)),
        )
        for here in on_hand.keys() | committed.keys()
    ]
    return Stock(
        source=source(totals.place),
        sku=sku,
        location=at,
        unit_code=ONE,
        available=parts["on_hand"]
        - parts["committed"]
        - parts["web_waiting"]
        - parts["safety_stock"],
        on_hand=parts["on_hand"],
        committed=parts["committed"],
        web_waiting=parts["web_waiting"],
        safety_stock=parts["safety_stock"],
        web_open=ceiling(totals.web_open if web else ZERO),
        locations=sorted(locations, key=lambda location: location["code"]),
    )


def nothing(place: Place, sku: str, at: str) -> Stock:
    """Say that nothing of *sku* can be promised: the product no longer goes by that name."""
    return Stock(
        source=source(place),
        sku=sku,
        location=at,
        unit_code=ONE,
        available=ZERO,
        on_hand=ZERO,
        committed=ZERO,
        web_waiting=ZERO,
        safety_stock=ZERO,
        web_open=ZERO,
        locations=[],
    )


def fingerprint(stock: Stock) -> str:
    """Equal for records that say the same, wherever they were read."""
    said = {name: value for name, value in stock.items() if name != "source"}
    spelt = orjson.dumps(said, default=_spell, option=orjson.OPT_SORT_KEYS)
    return blake2b(spelt, digest_size=8).hexdigest()


def _spell(value: object) -> str:
    if isinstance(value, Decimal):
        return text(value)
    raise TypeError(f"{type(value).__name__} has no place in a stock record")
