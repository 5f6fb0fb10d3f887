"""Products whose totals may have changed in, records for ``canonical.stock`` out."""

from collections.abc import Iterator
from dataclasses import dataclass

from schemas.records import Stock
from streams.stock.catalogue import Catalogue
from streams.stock.facts import NOWHERE
from streams.stock.product import Product
from streams.stock.record import Rules, fingerprint, key, nothing, record


@dataclass(frozen=True, slots=True)
class Publisher:
    """Knows what is worth saying of a product, by *rules* and under *catalogue*."""

    catalogue: Catalogue
    rules: Rules

    def news(self, product: Product) -> Iterator[tuple[str, Stock]]:
        """
        Give what differs from what was last said, and note it as said.

        What was said once is said again when the product's newest fact came again: a crash may
        have kept the note and lost the record (Invariant 2).
        """
        totals = product.totals
        for name, stock in self._records(product):
            said = fingerprint(stock)
            if totals.sent.get(name) != said or product.replayed:
                totals.sent[name] = said
                yield name, stock

    def farewells(self, product: Product) -> Iterator[tuple[str, Stock]]:
        """Give a last record for each SKU that was the product's and is nobody's now."""
        totals = product.totals
        now = {name for name, _ in self._records(product)}
        for name in [name for name in totals.sent if name not in now]:
            sku, _, warehouse = name.rpartition("@")
            del totals.sent[name]
            if sku not in self.catalogue.products:
                yield name, nothing(totals.place, sku, warehouse)

    def _records(self, product: Product) -> Iterator[tuple[str, Stock]]:
        sku = self.catalogue.skus.get(product.key.decode())
        totals, zones = product.totals, self.catalogue.zones
        if sku is None or totals.place == NOWHERE:
            return  # held: the sweep asks again when the catalogue knows more
        for warehouse in self.rules.warehouses:
            if warehouse in zones.warehouses:
                stock = record(totals, sku, warehouse, zones, self.rules)
                yield key(sku, warehouse), stock
