"""The rows of a sale in, what stock needs to know of a web order's sale out."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from streams.document import Document

HEAD = "sale_sale"
LINES = "sale_line"


@dataclass(frozen=True, slots=True)
class WebSale:
    """The sale of a web order: its state, and by product the lines that goods will be moved for."""

    order: str
    state: str
    lines: Mapping[int, tuple[int, ...]]


def web_sale(document: Document) -> WebSale | None:
    """
    Read the sale of a web order; None for any other sale, and for one that was deleted.

    Lines without a product, and lines that return or want nothing, take nothing from storage.
    """
    head = document.only(HEAD)
    if head is None:
        return None
    order, shop = head.text_or_none("web_id"), head.whole_or_none("web_shop")
    if order is None or shop is None:
        return None
    lines: defaultdict[int, list[int]] = defaultdict(list)
    for row in document.rows.get(LINES, ()):
        product, quantity = row.whole_or_none("product"), row.number_or_none("quantity")
        if product is not None and quantity is not None and quantity > 0:
            lines[product].append(row.whole("id"))
    return WebSale(
        order=order,
        state=head.text("state"),
        lines={product: tuple(sorted(numbers)) for product, numbers in lines.items()},
    )
