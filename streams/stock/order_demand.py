"""Canonical orders in, by product what each of them wants on ``state.demand`` out."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from runtime.errors import RecordError
from schemas import topics
from schemas.records import Order
from streams.batch import Batch, Outbox, Record, Table, View
from streams.dead_letter import DeadLetters
from streams.stock.catalogue import Catalogue
from streams.stock.demand import encode
from streams.stock.facts import WebOrder, place
from streams.stock.quantity import ZERO, text

ORDERS = topics.canonical("order")


@dataclass(frozen=True, slots=True)
class OrderDemand:
    """
    Says what web orders want, of products as the ERP knows them.

    The table has three kinds of keys: ``order/<code>``, what the order wants by SKU;
    ``sku/<sku>``, the product that this SKU was last taken for, null while the ERP knows none;
    ``wants/<sku>/<code>``, to find the orders of a SKU.
    """

    table: Table
    catalogue: Callable[[], Catalogue]
    decode: Callable[[bytes], Order]
    dead_letters: DeadLetters

    def fold(self, batch: Batch, out: Outbox) -> None:
        """Take over one batch of orders."""
        known, view = self.catalogue(), self.table.view(batch, out)
        for record in batch:
            try:
                self._take(record, known, view, out)
            except RecordError as error:
                self.dead_letters.send(out, batch, record, error)
            else:
                self.dead_letters.good()

    def follow(self, partition: int, out: Outbox) -> None:
        """Say it to the right product when a SKU became known, or went to another product."""
        known, view = self.catalogue(), self.table.view(partition, out)
        for key, before in list(view.items(b"sku/")):
            sku = key.removeprefix(b"sku/").decode()
            now = known.products.get(sku)
            if now == before or now is None:
                continue  # a SKU that is nobody's now stays with who had it
            for order in _orders_of(view, sku):
                kept = view[b"order/" + order.encode()]
                if before is not None:
                    _say(order, kept, before, ZERO, out)
                _say(order, kept, now, Decimal(kept["skus"][sku]), out)
            view[key] = now

    def _take(self, record: Record, known: Catalogue, view: View, out: Outbox) -> None:
        if record.key is None or record.value is None:
            return  # orders are cancelled, never deleted
        order = self.decode(record.value)
        at = [order["source"]["position"], record.offset]
        code = order["id"]
        kept = view.get(b"order/" + code.encode(), {"at": at, "skus": {}})
        if kept["at"] > at:
            return
        # A SKU that is no longer wanted stays, at zero: it is said again when a crash had it lost.
        skus = dict.fromkeys(kept["skus"], "0") | _wanted(order)
        now = {"at": at, "skus": skus, "place": place(order["source"])}
        view[b"order/" + code.encode()] = now
        for sku, quantity in skus.items():
            view[_wants(sku, code)] = 1
            taken_for = b"sku/" + sku.encode()
            if taken_for not in view:
                view[taken_for] = known.products.get(sku)
            product = view[taken_for]
            if product is not None:
                _say(code, now, product, Decimal(quantity), out)


def _wanted(order: Order) -> dict[str, str]:
    wanted: defaultdict[str, Decimal] = defaultdict(Decimal)
    for line in order["lines"]:
        cancelled = order["status"] == "cancelled"
        wanted[line["sku"]] += ZERO if cancelled else line["quantity"]
    return {sku: text(quantity) for sku, quantity in wanted.items()}


def _say(code: str, kept: dict[str, Any], product: str, quantity: Decimal, out: Outbox) -> None:
    order = WebOrder(code, tuple(kept["at"]), quantity, kept["place"])
    out.send(topics.DEMAND, key=product.encode(), value=encode(order))


def _orders_of(view: View, sku: str) -> Iterable[str]:
    prefix = _wants(sku, "")
    return [key.removeprefix(prefix).decode() for key, _ in view.items(prefix)]


def _wants(sku: str, code: str) -> bytes:
    return b"wants/%b\x00%b" % (sku.encode(), code.encode())
