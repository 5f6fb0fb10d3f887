"""
Rows of one shop order in, a verdict out: the order, or why it does not leave (yet).

The gate of Invariant 5 and 8: an order leaves when it is placed, its references resolve, and its
lines, surcharges and shipping add up to what the shop itself says, to the cent. Whether all its
rows are here is asked before, by `Document.position` and the watermark.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, Protocol, cast

from runtime.errors import MappingError
from schemas.records import Address, Allowance, Charge, Order, OrderLine, Payment
from streams.change_event import Row
from streams.document import Document
from streams.mappings.vendure.arithmetic import Priced, currency
from streams.mappings.vendure.customer import CustomerReference
from streams.mappings.vendure.parts import Part, check, part
from streams.mappings.vendure.variant import VariantReference

PLACED = ("id", "code", "type", "state", "active", "orderPlacedAt")
SAID = ("customerId", "currencyCode", "shippingAddress", "billingAddress")
SUMS = ("subTotal", "subTotalWithTax", "shipping", "shippingWithTax")
PRICED = ("id", "listPrice", "listPriceIncludesTax", "taxLines")
COLUMNS: Mapping[str, frozenset[str]] = {  # what is remembered of each table
    "order": frozenset((*PLACED, *SAID, *SUMS)),
    "order_line": frozenset(
        (*PRICED, "adjustments", "quantity", "orderPlacedQuantity", "productVariantId")
    ),
    "payment": frozenset(("id", "method", "state", "amount", "transactionId")),
    "shipping_line": frozenset((*PRICED, "adjustments")),
    "surcharge": frozenset((*PRICED, "description")),
}
PAYMENT_STATES = {"created", "authorized", "settled", "declined", "error", "cancelled"}
CANCELLED = "Cancelled"
PART_OF_AN_AGGREGATE = "Seller"  # its lines stand in the aggregate order, too


class References(Protocol):
    """What the foreign keys of an order stand for, as far as it is known now."""

    def variant(self, identity: int) -> VariantReference | None:
        """The variant with this id."""
        ...

    def customer(self, identity: int) -> CustomerReference | None:
        """The customer with this id."""
        ...


@dataclass(frozen=True, slots=True)
class NotPlaced:
    """A cart, a draft, or a part of another order: it never leaves."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """It leaves when what *reason* names has arrived."""

    reason: str


Verdict = Order | NotPlaced | Waiting


def placed(root: Row | None) -> bool:
    """Whether the order exists for anybody but its buyer."""
    return (
        root is not None
        and not root.boolean("active")
        and root.moment_or_none("orderPlacedAt") is not None
        and root.text("type") != PART_OF_AN_AGGREGATE
    )


def order(document: Document, references: References) -> Verdict:
    """
    Judge one document.

    Raises MappingError when it will never leave as it is: a column does not fit, or the sums
    do not agree; the sentence shows the arithmetic.
    """
    root = document.only("order")
    if root is None or not placed(root):
        return NotPlaced()
    lines = [part(row) for row in document.rows.get("order_line", ())]
    surcharges = [part(row) for row in document.rows.get("surcharge", ())]
    shipping = [part(row) for row in document.rows.get("shipping_line", ())]
    check(root, "subTotal", [*lines, *surcharges])
    check(root, "shipping", shipping)
    buyer = references.customer(root.whole("customerId"))
    missing = _missing(root, buyer, lines, references)
    if buyer is None or missing:
        return Waiting(f"order {root.text('code')} waits for {' and '.join(missing)}")
    return _record(
        document,
        root,
        buyer,
        [_line(part, references) for part in lines if part.priced.quantity],
        [
            *(_charge("shipping", part) for part in shipping),
            *(_charge("surcharge", part) for part in surcharges),
        ],
    )


def _missing(
    root: Row, buyer: CustomerReference | None, lines: Sequence[Part], references: References
) -> list[str]:
    """Name what is referred to and not known yet."""
    variants = {part.row.whole("productVariantId"): None for part in lines if part.priced.quantity}
    unknown = [identity for identity in variants if references.variant(identity) is None]
    return [
        *([] if buyer else [f"customer {root.whole('customerId')}, which the stream has not seen"]),
        *(f"variant {identity}, whose SKU the stream has not seen" for identity in unknown),
    ]


def _record(
    document: Document,
    root: Row,
    buyer: CustomerReference,
    lines: list[OrderLine],
    charges: list[Charge],
) -> Order:
    delivery = _said(root, "shippingAddress") or _said(root, "billingAddress")
    billing = _said(root, "billingAddress") or delivery
    net = root.whole("subTotal") + root.whole("shipping")
    gross = root.whole("subTotalWithTax") + root.whole("shippingWithTax")
    return {
        "source": {
            "system": "vendure",
            "table": document.table,
            "position": document.position,
            "transaction": document.transaction,
            "commit_time": document.commit_time,
        },
        "id": root.text("code"),
        "source_id": str(root.whole("id")),
        "status": "cancelled" if root.text("state") == CANCELLED else "placed",
        "issued_at": root.moment("orderPlacedAt"),
        "document_currency_code": root.text("currencyCode"),
        "buyer": {
            "id": str(root.whole("customerId")),
            "name": buyer["name"] or billing.get("fullName") or buyer["email"],
            "electronic_mail": buyer["email"],
            "telephone": buyer["telephone"],
            "registered": buyer["registered"],
        },
        "billing_address": _address(root, billing, buyer),
        "delivery_address": _address(root, delivery, buyer),
        "lines": lines,
        "charges": charges,
        "payments": [_payment(row) for row in document.rows.get("payment", ())],
        "line_extension_amount": _sum(line["line_extension_amount"] for line in lines),
        "charge_total_amount": _sum(charge["amount"] for charge in charges),
        "tax_exclusive_amount": currency(net),
        "tax_amount": currency(gross - net),
        "tax_inclusive_amount": currency(gross),
    }


def _line(part: Part, references: References) -> OrderLine:
    row, priced = part.row, part.priced
    variant = cast("VariantReference", references.variant(row.whole("productVariantId")))
    net_price, gross_price = priced.unit_prices()
    return {
        "id": str(row.whole("id")),
        "sku": variant["sku"],
        "quantity": Decimal(priced.quantity),
        "unit_code": "C62",
        "gross_price_amount": gross_price,
        "net_price_amount": net_price,
        "line_extension_amount": currency(priced.net()),
        "tax_percent": priced.tax_percent,
        "tax_amount": currency(priced.gross() - priced.net()),
        "tax_inclusive_amount": currency(priced.gross()),
        "allowances": [_allowance(adjustment, priced) for adjustment in row.json("adjustments")],
    }


def _allowance(adjustment: Mapping[str, Any], priced: Priced) -> Allowance:
    reason = adjustment.get("description") or adjustment.get("adjustmentSource") or "discount"
    return {"reason": str(reason), "amount": priced.allowance(adjustment["amount"])}


def _charge(kind: Literal["shipping", "surcharge"], part: Part) -> Charge:
    row, priced = part.row, part.priced
    reason = "Shipping" if kind == "shipping" else row.text_or_none("description")
    return {
        "kind": kind,
        "reason": reason or "Surcharge",
        "amount": currency(priced.net()),
        "tax_percent": priced.tax_percent,
        "tax_amount": currency(priced.gross() - priced.net()),
        "tax_inclusive_amount": currency(priced.gross()),
    }


def _payment(row: Row) -> Payment:
    state = row.text("state").lower()
    if state not in PAYMENT_STATES:
        raise MappingError(
            f"payment.state: {row.text('state')!r} is not one of {sorted(PAYMENT_STATES)}; map it"
            " in streams/mappings/vendure/order.py"
        )
    return {
        "id": str(row.whole("id")),
        "method": row.text("method"),
        "state": cast("Any", state),
        "amount": currency(row.whole("amount")),
        "transaction_id": row.text_or_none("transactionId"),
    }


def _said(root: Row, column: str) -> dict[str, str]:
    """Read what an address says, without what it leaves empty."""
    address = root.json(column)
    if not isinstance(address, dict):
        raise MappingError(f"order.{column}: expected an object, got {address!r:.80}")
    return {name: str(value).strip() for name, value in address.items() if value}


def _address(root: Row, said: Mapping[str, str], buyer: CustomerReference) -> Address:
    if "countryCode" not in said:
        raise MappingError(
            f"order {root.text('code')}: shippingAddress.countryCode: there is none, and the ERP"
            " needs a country; set the order's address in the shop, and it leaves"
        )
    return {
        "name": said.get("fullName") or buyer["name"] or said.get("company") or buyer["email"],
        "company": said.get("company") or None,
        "street_name": said.get("streetLine1", ""),
        "additional_street_name": said.get("streetLine2") or None,
        "city_name": said.get("city", ""),
        "postal_zone": said.get("postalCode", ""),
        "country_subentity": said.get("province") or None,
        "country_code": said["countryCode"].upper(),
        "telephone": said.get("phoneNumber") or None,
    }


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal("0.00"))
