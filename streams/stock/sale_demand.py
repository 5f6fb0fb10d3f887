"""Rows of ERP sales in, by product the sale of each web order on ``state.demand`` out."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from runtime.errors import RecordError
from schemas import topics
from streams.batch import Batch, Outbox, Record, Table
from streams.change_event import EPOCH, parse
from streams.dead_letter import DeadLetters
from streams.document import Document, fold, load
from streams.mappings.tryton.sale import web_sale
from streams.stock.demand import encode
from streams.stock.facts import DELETED, Place, Sale

SALES = topics.raw("tryton", "sale")
SYSTEM = "tryton"

Said = dict[str, dict[str, Any]]  # by order, by product: state and lines


@dataclass(frozen=True, slots=True)
class SaleDemand:
    """
    Says which lines of which sale are for a web order.

    A sale is not waited for until it is whole: a line that is not here yet only means that its
    order is let go of later, never earlier.
    """

    table: Table
    dead_letters: DeadLetters

    def fold(self, batch: Batch, out: Outbox) -> None:
        """Take over one batch of rows."""
        view = self.table.view(batch, out)
        touched: dict[bytes, tuple[Record, bool]] = {}
        for record in batch:
            try:
                event = parse(record.key, record.value)
                if event is not None and record.key is not None:
                    again = not fold(view, record.key, event)
                    before = touched.get(record.key, (record, False))[1]
                    touched[record.key] = record, before or again
            except RecordError as error:
                self.dead_letters.send(out, batch, record, error)
        for key, (record, again) in touched.items():
            document = load(view, key)
            if document is None:
                continue
            said: Said = view.get(b"said/" + key, {})
            try:
                now = _now(document, said)
            except RecordError as error:
                self.dead_letters.send(out, batch, record, error)
                continue
            for product, sale in _sales(document, now):
                known = said.get(sale.order, {}).get(product)
                # What came again is said again: a crash may have kept the note and lost the word.
                if again or known != now[sale.order][product]:
                    out.send(topics.DEMAND, key=product.encode(), value=encode(sale))
            view[b"said/" + key] = now


def _now(document: Document, said: Said) -> Said:
    """What is to be said, of all orders and products of which anything was ever said."""
    sale = web_sale(document)
    now: Said = {
        order: {product: [DELETED, []] for product in products} for order, products in said.items()
    }
    if sale is not None:
        mine = now.setdefault(sale.order, {})
        for product in mine:
            mine[product] = [sale.state, []]
        for number, lines in sale.lines.items():
            mine[str(number)] = [sale.state, list(lines)]
    return now


def _sales(document: Document, now: Said) -> Iterator[tuple[str, Sale]]:
    place: Place = {
        "system": SYSTEM,
        "table": document.table,
        "position": document.position,
        "transaction": document.transaction,
        "commit_time": (document.commit_time - EPOCH) // timedelta(microseconds=1),
    }
    for order, products in now.items():
        for product, (state, lines) in products.items():
            yield product, Sale(order, (document.position,), state, tuple(lines), place)
