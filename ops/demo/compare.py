"""
Orders and stock as each system's own API tells them in, sentences about differences out.

Shares nothing with the mappings: it is the second opinion.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class ShopOrder:
    """An order as the shop's admin API tells it; money in EUR."""

    code: str
    email: str
    total: Decimal
    tax: Decimal
    quantities: Mapping[str, Decimal]
    paid: Decimal


@dataclass(frozen=True, slots=True)
class ErpSale:
    """A sale as the ERP's API tells it; quantities by SKU, without shipping and rounding."""

    web_id: str
    state: str
    email: str
    total: Decimal
    tax: Decimal
    quantities: Mapping[str, Decimal]
    paid: Decimal


@dataclass(frozen=True, slots=True)
class Findings:
    """What a comparison saw; `clean` when there is nothing to report."""

    compared: int
    lost: tuple[str, ...]
    doubled: tuple[str, ...]
    different: tuple[str, ...]

    @property
    def clean(self) -> bool:
        """Nothing lost, nothing doubled, not a cent off."""
        return not (self.lost or self.doubled or self.different)


CONFIRMED = frozenset({"confirmed", "processing", "done"})


def compare_orders(orders: Iterable[ShopOrder], sales: Iterable[ErpSale]) -> Findings:
    """Each order is in the ERP once, confirmed, to the cent, for the same person and goods."""
    wanted = {order.code: order for order in orders}
    found = [sale for sale in sales if sale.web_id in wanted]
    times = Counter(sale.web_id for sale in found)
    by_code = {sale.web_id: sale for sale in found}
    return Findings(
        compared=len(wanted),
        lost=tuple(sorted(code for code in wanted if code not in by_code)),
        doubled=tuple(sorted(code for code, count in times.items() if count > 1)),
        different=tuple(
            sentence
            for code in sorted(by_code)
            for sentence in _differences(wanted[code], by_code[code])
        ),
    )


def _differences(order: ShopOrder, sale: ErpSale) -> Iterable[str]:
    pairs = (
        ("total", order.total, sale.total),
        ("tax", order.tax, sale.tax),
        ("e-mail", order.email.lower(), sale.email.lower()),
        ("quantities", dict(order.quantities), dict(sale.quantities)),
        ("paid", order.paid, sale.paid),
    )
    for what, shop, erp in pairs:
        if shop != erp:
            yield f"{order.code}: {what}: the shop says {shop}, the ERP says {erp}"
    if sale.state not in CONFIRMED:
        yield f"{order.code}: the ERP's sale is still {sale.state}"


def compare_stock(erp: Mapping[str, Decimal], shop: Mapping[str, Decimal]) -> Findings:
    """The shop offers exactly what the ERP can still promise, SKU by SKU."""
    return Findings(
        compared=len(erp),
        lost=tuple(sorted(sku for sku in erp if sku not in shop)),
        doubled=(),
        different=tuple(
            f"{sku}: the ERP can promise {erp[sku]}, the shop offers {shop[sku]}"
            for sku in sorted(erp)
            if sku in shop and shop[sku] != erp[sku]
        ),
    )
