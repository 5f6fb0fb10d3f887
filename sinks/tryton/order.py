"""
Shop orders in, Tryton sales out: created once, quoted, paid, confirmed.

Every step reads the state first, so that a crash after any step, and a replay, end in the same
place (Invariant 4): the sale is found by web shop and web id, a payment by our mark.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from runtime.errors import RecordError, RejectedError, UnavailableError
from schemas.records import Order
from sinks.sink import Applied
from sinks.tryton.client import Record, TrytonClient
from sinks.tryton.directory import Directory
from sinks.tryton.lines import sale_lines
from sinks.tryton.party import Parties, operation
from sinks.tryton.payment import Payments
from sinks.tryton.steps import press

SALE_FIELDS: Final = (
    "state",
    "number",
    "party",
    "untaxed_amount",
    "tax_amount",
    "total_amount",
    "payments.external_id",
    "payments.state",
    "payments.amount",
)
BEFORE_CONFIRMATION: Final = frozenset({"draft", "quotation"})


@dataclass(slots=True)
class OrderSink:
    """Orders of the shop in the ERP."""

    erp: TrytonClient
    directory: Directory
    _parties: Parties = field(init=False)
    _payments: Payments = field(init=False)

    def __post_init__(self) -> None:
        self._parties = Parties(self.erp, self.directory)
        self._payments = Payments(self.erp, self.directory)

    async def upsert(self, key: str, record: Order) -> Applied:
        """Bring the ERP to where *record* says that the order is."""
        try:
            return await self._upsert(record)
        except RecordError as error:
            raise type(error)(f"order {key}: {error}") from error

    async def _upsert(self, record: Order) -> Applied:
        sale = await self._find(record)
        if record["status"] == "cancelled":
            return await self._cancel(sale)
        if sale is None:
            sale = await self._create(record)
            return await self._advance(record, sale, "created")
        if sale["state"] == "cancelled":
            # Once an order is placed the ERP owns its fate (Invariant 7).
            return Applied("unchanged", str(sale["id"]))
        return await self._advance(record, sale, "unchanged")

    async def delete(self, key: str) -> Applied:
        """Keep what is there: a sale is a document, and no order is ever taken back silently."""
        _ = key
        return Applied("unchanged")

    async def _find(self, order: Order) -> Record | None:
        found = await self.erp.search(
            "sale.sale",
            [["web_shop", "=", await self.directory.web_shop()], ["web_id", "=", order["id"]]],
            SALE_FIELDS,
            limit=1,
        )
        return found[0] if found else None

    async def _create(self, order: Order) -> Record:
        # What the order needs is looked up before anything is written for it.
        lines = await sale_lines(order, self.directory)
        values = {
            "company": await self.erp.company(),
            "currency": await self.directory.currency(order["document_currency_code"]),
            "web_shop": await self.directory.web_shop(),
            "web_id": order["id"],
            "reference": order["id"],
            "external_id": f"{order['source']['system']}:order:{order['id']}",
            "sync_op": operation(order),
            "sale_date": order["issued_at"].date(),
            "warehouse": await self.directory.warehouse(),
            "payment_term": await self.directory.payment_term(),
            "price_list": None,  # the shop's prices are the prices
            "invoice_method": "order",
            "shipment_method": "order",
            "lines": [["create", lines]],
        }
        customer = await self._parties.of(order)
        values |= {
            "party": customer.party,
            "invoice_address": customer.invoice_address,
            "shipment_address": customer.shipment_address,
        }
        try:
            return await self.erp.create("sale.sale", values, SALE_FIELDS)
        except RejectedError:
            # A first try that we took for lost was not: shop and web id are unique.
            sale = await self._find(order)
            if sale is None:
                raise
            return sale

    async def _advance(self, order: Order, sale: Record, outcome: str) -> Applied:
        """Quote, pay, confirm: whatever is not done yet."""
        _check_totals(order, sale)
        changed = False
        if sale["state"] == "draft":
            sale = await press(self.erp, "sale.sale", sale, "quote", SALE_FIELDS)
            _check_totals(order, sale)
            changed = True
        for payment in order["payments"]:
            changed |= await self._payments.apply(order, payment, sale)
        if changed:
            sale = await self.erp.get("sale.sale", sale["id"], SALE_FIELDS)
        if sale["state"] == "quotation" and _is_promised(order):
            sale = await press(self.erp, "sale.sale", sale, "confirm", SALE_FIELDS)
            sale = await self.erp.get("sale.sale", sale["id"], SALE_FIELDS)
            changed = True
        if sale["state"] == "confirmed":
            await self._process(sale)
            changed = True
        if outcome == "created":
            return Applied("created", str(sale["id"]))
        return Applied("updated" if changed else "unchanged", str(sale["id"]))

    async def _process(self, sale: Record) -> None:
        """
        Have a confirmed sale processed.

        The ERP does that by itself right after confirming, and is doing it now, or went away in
        between. Either way the order is not done before its invoice and shipment are there.
        """
        try:
            await press(self.erp, "sale.sale", sale, "process", SALE_FIELDS)
        except RejectedError as error:
            raise UnavailableError(
                f"sale {sale['number']} is confirmed and the ERP has not processed it yet; if it"
                f" stays so, press Process there ({error})"
            ) from error

    async def _cancel(self, sale: Record | None) -> Applied:
        if sale is None:
            return Applied("unchanged")  # cancelled before the ERP ever heard of it
        if sale["state"] == "cancelled":
            return Applied("unchanged", str(sale["id"]))
        named = f"sale {sale['number'] or sale['id']}"
        if sale["state"] not in BEFORE_CONFIRMATION:
            raise RecordError(
                f"it was cancelled in the shop, but {named} is {sale['state']} in the ERP:"
                " cancel its shipment and credit its invoice there"
            )
        if any(payment["state"] == "succeeded" for payment in sale["payments"]):
            raise RecordError(
                f"it was cancelled in the shop, but {named} is paid in the ERP:"
                " refund the payment and cancel the sale there"
            )
        for payment in sale["payments"]:
            await self._payments.fail(payment)
        await press(self.erp, "sale.sale", sale, "cancel", ["state"])
        return Applied("updated", str(sale["id"]))


def _check_totals(order: Order, sale: Record) -> None:
    """Refuse a sale that is not the order, to the cent (Invariant 8)."""
    shop = (order["tax_exclusive_amount"], order["tax_amount"], order["tax_inclusive_amount"])
    erp = (sale["untaxed_amount"], sale["tax_amount"], sale["total_amount"])
    if shop != erp:
        raise RecordError(
            f"the shop says {_sum(*shop)}, but sale"
            f" {sale['number'] or sale['id']} in the ERP says {_sum(*erp)}: it was changed after it"
            " reached the ERP, or the ERP computes its taxes otherwise; compare the two"
        )


def _sum(net: Decimal, tax: Decimal, total: Decimal) -> str:
    return f"{net} + {tax} of tax = {total}"


def _is_promised(order: Order) -> bool:
    """Whether what was paid or authorised covers the order, so that it may be shipped."""
    promised = sum(
        (
            payment["amount"]
            for payment in order["payments"]
            if payment["state"] in {"settled", "authorized"}
        ),
        Decimal(0),
    )
    return promised >= order["tax_inclusive_amount"]
