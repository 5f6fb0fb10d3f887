"""The ERP's products and locations in, which SKU a product goes by and where storage is out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Protocol

import orjson

from streams.stock.zones import Zones, zones


@dataclass(frozen=True, slots=True)
class Catalogue:
    """
    What is known of products and locations at one moment.

    Of several products with one SKU, one goes by it: an active one before an archived one, then
    the oldest. Services have no stock and go by nothing here.

    Attributes:
        skus: By product id, the SKU it goes by.
        products: By SKU, the id of the product that goes by it.
        mark: Equal for catalogues that say the same.
        zones_mark: Equal for catalogues whose zones are the same.
    """

    zones: Zones = field(default_factory=Zones)
    skus: Mapping[str, str] = field(default_factory=dict)
    products: Mapping[str, str] = field(default_factory=dict)
    mark: str = ""
    zones_mark: str = ""


def catalogue(
    products: Mapping[str, Mapping[str, Any]], locations: Mapping[str, Mapping[str, Any]]
) -> Catalogue:
    """Read the references ``ref.tryton.product`` and ``ref.tryton.location``."""
    chosen: dict[str, str] = {}
    for number in sorted(products, key=lambda each: _rank(each, products[each])):
        sku = products[number].get("sku")
        if sku and products[number].get("type") != "service":
            chosen.setdefault(sku, number)
    found = zones(locations)
    zones_mark = _mark(found.spelling())
    return Catalogue(
        zones=found,
        skus={number: sku for sku, number in chosen.items()},
        products=chosen,
        mark=_mark([zones_mark, sorted(found.names.items()), sorted(chosen.items())]),
        zones_mark=zones_mark,
    )


class Reference(Protocol):
    """A small topic, followed: `runtime.kafka.Follower`."""

    @property
    def version(self) -> int:
        """Grows with each change."""
        ...

    @property
    def values(self) -> dict[str, Any]:
        """The newest value of each key."""
        ...

    def check(self) -> None:
        """Raise what stopped the following, if anything did."""
        ...


class LiveCatalogue:
    """The newest `Catalogue`, made again when a reference has changed."""

    def __init__(self, products: Reference, locations: Reference) -> None:
        self._products = products
        self._locations = locations
        self._made: tuple[int, int] | None = None
        self._newest = Catalogue()

    def __call__(self) -> Catalogue:
        """Give what is known now."""
        self._products.check()
        self._locations.check()
        versions = self._products.version, self._locations.version
        if versions != self._made:
            # The copies are taken at once: another thread goes on writing.
            self._newest = catalogue(dict(self._products.values), dict(self._locations.values))
            self._made = versions
        return self._newest


def _rank(number: str, product: Mapping[str, Any]) -> tuple[bool, int]:
    return not product.get("active", True), int(number)


def _mark(said: object) -> str:
    return blake2b(orjson.dumps(said), digest_size=8).hexdigest()
