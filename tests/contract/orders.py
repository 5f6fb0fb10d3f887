"""Baskets in, canonical orders as the shop would place them out; for tests of the order sink."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

from schemas.records import Address, Charge, Order, OrderLine, Payment
from sinks.tryton.rounding import CENT

Line = tuple[str, str, int, str]
"""SKU, unit price with tax, quantity, tax rate in percent."""

PaymentState = Literal["settled", "authorized", "declined"]


def split(gross: Decimal, percent: str) -> tuple[Decimal, Decimal]:
    """Net and tax, as the shop computes them: net rounded half up, tax the rest."""
    net = (gross / (1 + Decimal(percent) / 100)).quantize(CENT, rounding=ROUND_HALF_UP)
    return net, gross - net


def order_line(number: int, line: Line) -> OrderLine:
    """One line of a basket."""
    sku, price, quantity, percent = line
    gross = Decimal(price) * quantity
    net, tax = split(gross, percent)
    return {
        "id": str(number),
        "sku": sku,
        "quantity": Decimal(quantity).quantize(Decimal("0.0001")),
        "unit_code": "C62",
        "gross_price_amount": Decimal(price).quantize(Decimal("0.000001")),
        "net_price_amount": (net / quantity).quantize(Decimal("0.000001")),
        "line_extension_amount": net,
        "tax_percent": Decimal(percent).quantize(Decimal("0.0001")),
        "tax_amount": tax,
        "tax_inclusive_amount": gross,
        "allowances": [],
    }


def charge(kind: Literal["shipping", "surcharge"], price: str, percent: str = "20") -> Charge:
    """Shipping, or a surcharge; a negative one is a discount on the order."""
    net, tax = split(Decimal(price), percent)
    return {
        "kind": kind,
        "reason": "colissimo" if kind == "shipping" else "BIENVENUE",
        "amount": net,
        "tax_percent": Decimal(percent).quantize(Decimal("0.0001")),
        "tax_amount": tax,
        "tax_inclusive_amount": Decimal(price),
    }


def address(name: str = "Ada Lovelace", city: str = "Lyon", country: str = "FR") -> Address:
    """A place to send things to."""
    return {
        "name": name,
        "company": None,
        "street_name": "1 rue de la République",
        "additional_street_name": None,
        "city_name": city,
        "postal_zone": "69001",
        "country_subentity": None,
        "country_code": country,
        "telephone": "+33 4 72 00 00 00",
    }


def shop_order(
    code: str,
    lines: Sequence[Line] = (("ALL-LONG", "0.99", 1, "20"), ("LIV-PETITP-REL", "19.99", 3, "5.5")),
    *,
    charges: Sequence[Charge] | None = None,
    buyer: str = "12",
    mail: str = "ada@example.com",
    registered: bool = True,
    payment: PaymentState | None = "settled",
    method: str = "card",
    delivery: Address | None = None,
    status: Literal["placed", "cancelled"] = "placed",
    position: int = 1_000,
) -> Order:
    """An order that adds up."""
    ours = [order_line(number, line) for number, line in enumerate(lines, start=1)]
    extra = [charge("shipping", "4.90")] if charges is None else list(charges)
    net_lines = sum((line["line_extension_amount"] for line in ours), Decimal("0.00"))
    net_charges = sum((one["amount"] for one in extra), Decimal("0.00"))
    tax = sum((one["tax_amount"] for one in (*ours, *extra)), Decimal("0.00"))
    total = net_lines + net_charges + tax
    payments: list[Payment] = []
    if payment is not None:
        payments.append(
            {
                "id": f"p-{code}",
                "method": method,
                "state": payment,
                "amount": total,
                "transaction_id": None,
            }
        )
    return {
        "source": {
            "system": "vendure",
            "table": "order",
            "position": position,
            "transaction": f"1:{position}",
            "commit_time": datetime(2026, 11, 24, 8, 0, tzinfo=UTC),
        },
        "id": code,
        "source_id": "1",
        "status": status,
        "issued_at": datetime(2026, 11, 24, 8, 0, tzinfo=UTC),
        "document_currency_code": "EUR",
        "buyer": {
            "id": buyer,
            "name": "Ada Lovelace",
            "electronic_mail": mail,
            "telephone": None,
            "registered": registered,
        },
        "billing_address": address(),
        "delivery_address": delivery or address(),
        "lines": ours,
        "charges": extra,
        "payments": payments,
        "line_extension_amount": net_lines,
        "charge_total_amount": net_charges,
        "tax_exclusive_amount": net_lines + net_charges,
        "tax_amount": tax,
        "tax_inclusive_amount": total,
    }
