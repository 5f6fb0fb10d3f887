"""The shop's payments in, Tryton's out: one for each, as far along as the money is."""

from dataclasses import dataclass
from typing import Final

from runtime.errors import RejectedError
from schemas.records import Order, Payment
from sinks.tryton.client import Record, TrytonClient
from sinks.tryton.directory import Directory
from sinks.tryton.party import operation
from sinks.tryton.steps import press

FIELDS: Final = ("state", "external_id", "amount")
MODEL: Final = "account.payment"
LIVE: Final = frozenset({"authorized", "settled"})


@dataclass(frozen=True, slots=True)
class Payments:
    """
    Payments of a sale, found by our mark, moved on from the state in which they are.

    Authorised in the shop is *submitted* in the ERP; settled is *succeeded*, and when the
    succeeded payments cover the sale the ERP confirms it by itself.
    """

    erp: TrytonClient
    directory: Directory

    async def apply(self, order: Order, payment: Payment, sale: Record) -> bool:
        """Bring the ERP to where *payment* is; says whether that took a write."""
        mark = f"{order['source']['system']}:payment:{payment['id']}"
        known = next((one for one in sale["payments"] if one["external_id"] == mark), None)
        if payment["state"] not in LIVE:
            return False if known is None else await self.fail(known)
        if payment["amount"] == 0:
            return False  # nothing to book
        done = known
        if done is None:
            done = await self._create(order, payment, sale, mark)
        if done["state"] == "draft":
            done = await press(self.erp, MODEL, done, "submit", FIELDS)
        if payment["state"] == "settled" and done["state"] in {"submitted", "approved"}:
            await self.erp.wizard("account.payment.process", MODEL, [done["id"]])
            done = {**done, "state": "processing"}
        if payment["state"] == "settled" and done["state"] == "processing":
            done = await press(self.erp, MODEL, done, "succeed", FIELDS)
        return known is None or known["state"] != done["state"]

    async def fail(self, known: Record) -> bool:
        """Say in the ERP that this money will not come; says whether that took a write."""
        if known["state"] in {"failed", "succeeded"}:
            return False
        if known["state"] == "draft":
            known = await press(self.erp, MODEL, known, "submit", FIELDS)
        if known["state"] in {"submitted", "approved"}:
            await self.erp.wizard("account.payment.process", MODEL, [known["id"]])
            known = {**known, "state": "processing"}
        await press(self.erp, MODEL, known, "fail", FIELDS)
        return True

    async def _create(self, order: Order, payment: Payment, sale: Record, mark: str) -> Record:
        values = {
            "company": await self.erp.company(),
            "journal": await self.directory.journal(payment["method"]),
            "kind": "receivable",
            "party": sale["party"],
            "amount": payment["amount"],
            "date": order["issued_at"].date(),
            "reference": payment["transaction_id"] or order["id"],
            "origin": f"sale.sale,{sale['id']}",
            "external_id": mark,
            "sync_op": operation(order),
        }
        try:
            return await self.erp.create(MODEL, values, FIELDS)
        except RejectedError:
            # A first try that we took for lost was not: the mark is unique.
            found = await self.erp.search(MODEL, [["external_id", "=", mark]], FIELDS, limit=1)
            if not found:
                raise
            return found[0]
