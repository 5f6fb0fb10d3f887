"""
Moves and demand in, ``canonical.stock`` out: one batch, or one sweep, at a time.

Both topics are cut alike and keyed by the ERP's product id, so that everything about a product
meets in one partition, whichever comes first.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from runtime.errors import RecordError
from schemas import topics
from schemas.records import Stock
from streams.batch import Batch, Outbox, Record, Table, View
from streams.change_event import parse
from streams.dead_letter import DeadLetters
from streams.mappings.tryton.stock_move import move
from streams.stock.catalogue import Catalogue
from streams.stock.demand import decode
from streams.stock.facts import Fact
from streams.stock.product import TOTAL, Product
from streams.stock.publish import Publisher
from streams.stock.record import Rules

MOVES = topics.raw("tryton", "stock-move")
STOCK = topics.canonical("stock")

SETTLED = b"settled"  # under which zones, and which catalogue and rules, all was last looked at
UNSETTLED = ["", ""]
CHANGES_PER_SWEEP = 500  # keeps the copies that totals carry far below a message's greatest size


@dataclass(frozen=True, slots=True)
class StockAgent:
    """
    Folds facts into totals and says what can be promised.

    Attributes:
        table: Totals and facts, by product.
        catalogue: What is known of products and locations now.
        encode: Writes a record; may raise UnavailableError, which stops the worker uncommitted.
    """

    table: Table
    catalogue: Callable[[], Catalogue]
    rules: Rules
    encode: Callable[[Stock], bytes]
    dead_letters: DeadLetters

    def fold(self, batch: Batch, out: Outbox) -> None:
        """Take over one batch of moves, or of demand."""
        known, view = self.catalogue(), self.table.view(batch, out)
        self._unsettle(view, known)
        shelf = Shelf(view, known)
        for record in batch:
            try:
                fact = _read(batch.topic, record)
            except RecordError as error:
                self.dead_letters.send(out, batch, record, error)
                continue
            self.dead_letters.good()
            if fact is not None and record.key is not None:
                shelf.product(record.key).apply(fact)
        publisher = Publisher(known, self.rules)
        for product in shelf:
            self._send(publisher.news(product), out)
        shelf.flush()

    def settle(self, partition: int, out: Outbox) -> None:
        """
        Look at everything again when products, locations or rules have changed.

        That is how a product gets its SKU that came before its SKU was known. It is done in
        steps: first it is noted that nothing is settled, last that all is, so that a crash in
        between starts it again.
        """
        known, view = self.catalogue(), self.table.view(partition, out)
        marks, settled = self._marks(known), view.get(SETTLED)
        if settled == marks:
            return
        if settled != self._unsettle(view, known):
            return
        zones_changed = settled[0] != marks[0]
        shelf, publisher = Shelf(view, known), Publisher(known, self.rules)
        complete = True
        for key, _ in view.items(TOTAL):
            product = shelf.product(key.removeprefix(TOTAL))
            if zones_changed:
                complete &= product.look_again(CHANGES_PER_SWEEP)
            self._send(publisher.news(product), out)
            self._send(publisher.farewells(product), out)
        shelf.flush()
        if complete:
            view[SETTLED] = marks

    def _unsettle(self, view: View, known: Catalogue) -> list[str]:
        """Note which of the marks still hold, under which all was looked at last."""
        settled = view.get(SETTLED, UNSETTLED)
        marks = self._marks(known)
        holds = [old if old == new else "" for old, new in zip(settled, marks, strict=True)]
        view[SETTLED] = holds
        return holds

    def _marks(self, known: Catalogue) -> list[str]:
        return [known.zones_mark, f"{known.mark}/{self.rules.mark}"]

    def _send(self, news: Iterator[tuple[str, Stock]], out: Outbox) -> None:
        for name, stock in news:
            out.send(STOCK, key=name.encode(), value=self.encode(stock))


@dataclass(slots=True)
class Shelf:
    """The products of one batch: each is read once and set once."""

    view: View
    known: Catalogue
    products: dict[bytes, Product] = field(default_factory=dict)

    def product(self, key: bytes) -> Product:
        """Take out the product *key*."""
        if key not in self.products:
            self.products[key] = Product(key, self.view, self.known.zones)
        return self.products[key]

    def __iter__(self) -> Iterator[Product]:
        return iter(self.products.values())

    def flush(self) -> None:
        """Set whatever has changed."""
        for product in self:
            product.flush()


def _read(topic: str, record: Record) -> Fact | None:
    if topic == topics.DEMAND:
        return None if record.value is None else decode(record.value)
    event = parse(record.key, record.value)
    return None if event is None else move(event)
