"""An order's lines, charges and taxes in, the lines of Tryton's sale out."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from runtime.errors import RecordError
from schemas.records import Charge, Order, OrderLine
from sinks.tryton.client import Record
from sinks.tryton.directory import Directory, Product
from sinks.tryton.rounding import Amounts, Priced, price, rounding


@dataclass(frozen=True, slots=True)
class _Wanted:
    code: str
    description: str | None
    amounts: Amounts


async def sale_lines(order: Order, directory: Directory) -> list[Record]:
    """
    The lines to create, with prices that make Tryton's totals the shop's, to the cent.

    Raises RecordError, with the arithmetic, for an order whose amounts cannot be met.
    """
    settings = directory.orders
    _check_sums(order)
    wanted = [
        *(_goods(line) for line in order["lines"]),
        *(
            _charge(
                charge,
                settings.shipping_product
                if charge["kind"] == "shipping"
                else settings.surcharge_product,
            )
            for charge in order["charges"]
        ),
    ]
    amounts = [one.amounts for one in wanted]
    priced = [price(one, settings.price_digits) for one in amounts]
    extra = rounding(amounts, priced, settings.largest_rounding)
    await directory.service(settings.shipping_product, "orders.shipping_product")
    await directory.service(settings.surcharge_product, "orders.surcharge_product")
    products = await directory.products(one.code for one in wanted)
    lines = [
        _line(products[one.code], one, ours, await directory.tax(one.amounts.percent))
        for one, ours in zip(wanted, priced, strict=True)
    ]
    if extra:
        product = await directory.service(settings.rounding_product, "orders.rounding_product")
        lines.append(_rounding_line(product, extra))
    return lines


def _check_sums(order: Order) -> None:
    """Refuse an order that does not add up (Invariant 8)."""
    parts: Sequence[OrderLine | Charge] = [*order["lines"], *order["charges"]]
    net = sum(
        (line["line_extension_amount"] for line in order["lines"]),
        sum((charge["amount"] for charge in order["charges"]), Decimal(0)),
    )
    tax = sum((part["tax_amount"] for part in parts), Decimal(0))
    said = (order["tax_exclusive_amount"], order["tax_amount"], order["tax_inclusive_amount"])
    if (net, tax, net + tax) != said:
        raise RecordError(
            f"its lines come to {net} + {tax} of tax = {net + tax},"
            f" but it says {said[0]} + {said[1]} = {said[2]}"
        )


def _goods(line: OrderLine) -> _Wanted:
    return _Wanted(
        line["sku"],
        None,
        Amounts(
            f"line {line['sku']}",
            line["quantity"].normalize(),
            line["line_extension_amount"],
            line["tax_amount"],
            line["tax_percent"],
        ),
    )


def _charge(charge: Charge, code: str) -> _Wanted:
    label = f"{charge['kind']} {charge['reason']}"
    amounts = Amounts(
        label, Decimal(1), charge["amount"], charge["tax_amount"], charge["tax_percent"]
    )
    return _Wanted(code, charge["reason"] or None, amounts)


def _line(product: Product, wanted: _Wanted, priced: Priced, tax: int | None) -> Record:
    return {
        "product": product.id,
        # Tryton keeps quantities as floats; ours have few digits and survive that exactly.
        "quantity": float(wanted.amounts.quantity),
        "unit": product.unit,
        "unit_price": priced.unit_price,
        "taxes": [["add", [tax]]] if tax is not None else [],
        **({"description": wanted.description} if wanted.description else {}),
    }


def _rounding_line(product: Product, extra: Decimal) -> Record:
    return {
        "product": product.id,
        "quantity": 1.0,
        "unit": product.unit,
        "unit_price": extra,
        "taxes": [],
    }
