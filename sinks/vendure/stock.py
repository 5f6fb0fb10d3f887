"""
Stock of the ERP in, the shop's saleable quantity out.

The shop sells ``stockOnHand - stockAllocated`` and allocates by itself what is ordered in it. So we
write on hand = available + what the shop has allocated to orders that *available* already
knows: saleable then equals available, and an order placed this very moment, which no record knows
yet, is still taken off by the shop's own allocation.
"""

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, Decimal
from typing import Final

from runtime.errors import ConfigurationError, RecordError
from schemas.records import Stock
from sinks.sink import Applied
from sinks.vendure.client import VendureClient

log = logging.getLogger(__name__)

Place = tuple[str, str]
"""A SKU, and the id of a stock location of the shop."""

Change = dict[str, str | int]

_LOCATIONS: Final = "query { stockLocations(options: {take: 100}) { items { id name } } }"
_READ: Final = """
query ($skus: [String!]!) {
  productVariants(options: {take: 1000, filter: {sku: {in: $skus}}}) {
    items { id sku stockLevels { stockLocationId stockOnHand stockAllocated } }
  }
}
"""
_WRITE: Final = """
mutation ($input: [UpdateProductVariantInput!]!) { updateProductVariants(input: $input) { id } }
"""


@dataclass(frozen=True, slots=True)
class Level:
    """What the shop holds of one variant at one of its stock locations."""

    variant: str
    on_hand: int
    allocated: int


@dataclass(slots=True)
class StockSink:
    """
    Writes levels in batches: one read, and one write of what differs.

    *locations* maps the ERP's warehouse codes to the shop's stock locations, by name. The worker
    writes one batch at a time and never one key twice, which Vendure's unlocked arithmetic needs.
    """

    shop: VendureClient
    locations: Mapping[str, str]
    _ids: dict[str, str] = field(default_factory=dict)

    async def write_many(
        self, records: Mapping[str, Stock | None]
    ) -> Mapping[str, Applied | RecordError]:
        """Make the shop's levels right; None (a tombstone) means that there is nothing to sell."""
        answers: dict[str, Applied | RecordError] = {}
        places: dict[str, Place] = {}
        for key in records:
            try:
                sku, warehouse = split_key(key)
                places[key] = (sku, await self._location(warehouse))
            except RecordError as error:
                answers[key] = error
        levels = await self._read(places.values())
        changes: dict[str, list[Change]] = {}
        for key, place in places.items():
            sku, location = place
            level = levels.get(place)
            record = records[key]
            if level is None:
                answers[key] = _unknown(sku, record)
                continue
            on_hand = wanted(record, level)
            differs = on_hand != level.on_hand
            answers[key] = Applied("updated" if differs else "unchanged", level.variant)
            if differs:
                change: Change = {"stockLocationId": location, "stockOnHand": on_hand}
                changes.setdefault(level.variant, []).append(change)
        if changes:
            variants = [{"id": variant, "stockLevels": here} for variant, here in changes.items()]
            await self.shop.mutate(_WRITE, sync_id=_operation(records), input=variants)
        return answers

    async def _location(self, warehouse: str) -> str:
        """The id of the shop's stock location for an ERP warehouse."""
        name = self.locations.get(warehouse)
        if name is None:
            raise RecordError(
                f"warehouse {warehouse} has no stock location in the shop:"
                f' add {warehouse} = "<name>" to [stock.locations] in syncline.toml'
            )
        if name not in self._ids:
            found = await self.shop.query(_LOCATIONS)
            self._ids = {item["name"]: item["id"] for item in found["stockLocations"]["items"]}
        if name not in self._ids:
            raise ConfigurationError(
                f"stock.locations.{warehouse} in syncline.toml: the shop has no stock location"
                f" {name!r}; it has {', '.join(sorted(self._ids)) or 'none'}"
            )
        return self._ids[name]

    async def _read(self, places: Collection[Place]) -> dict[Place, Level]:
        """The levels at *places*; those of unknown SKUs are left out."""
        if not places:
            return {}
        skus = sorted({sku for sku, _ in places})
        found = await self.shop.query(_READ, skus=skus)
        levels: dict[Place, Level] = {}
        for item in found["productVariants"]["items"]:
            here = {level["stockLocationId"]: level for level in item["stockLevels"]}
            for sku, location in places:
                if sku == item["sku"]:
                    # No row yet is a level of nothing.
                    level = here.get(location, {"stockOnHand": 0, "stockAllocated": 0})
                    levels[sku, location] = Level(
                        item["id"], level["stockOnHand"], level["stockAllocated"]
                    )
        return levels


def wanted(record: Stock | None, level: Level) -> int:
    """
    The stockOnHand that makes the shop sell what is available.

    Never below zero: the shop refuses that. Then it shows nothing for sale all the same, as what it
    has allocated is more than what there is.
    """
    if record is None:
        return 0
    known = min(_whole(record["web_open"]), level.allocated)
    on_hand = _whole(record["available"]) + known
    if on_hand < 0:
        log.info("less than nothing", extra={"key": record["sku"], "wanted": on_hand})
    return max(0, on_hand)


def split_key(key: str) -> tuple[str, str]:
    """SKU and warehouse of a record's key."""
    sku, at, warehouse = key.rpartition("@")
    if not (sku and at and warehouse):
        raise RecordError(f"the key {key!r} is not SKU@WAREHOUSE")
    return sku, warehouse


def _whole(quantity: Decimal) -> int:
    """The shop sells whole units: half a roll is not one to promise."""
    return int(quantity.to_integral_value(rounding=ROUND_FLOOR))


def _unknown(sku: str, record: Stock | None) -> Applied | RecordError:
    if record is None:
        return Applied("unchanged")  # gone on both sides
    return RecordError(
        f"the shop has no variant with SKU {sku}; create it, or correct the ERP's code, then replay"
    )


def _operation(records: Mapping[str, Stock | None]) -> str:
    """The mark of this write (Invariant 6): the newest place in the log that is in it."""
    positions = [record["source"]["position"] for record in records.values() if record]
    return f"stock:{max(positions, default=0)}"
