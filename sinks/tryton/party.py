"""A buyer and two addresses in, the ERP's party and addresses out, found or created once."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakValueDictionary

from runtime.errors import RejectedError
from schemas.records import Address, Buyer, Order
from sinks.tryton.client import Record, TrytonClient
from sinks.tryton.directory import Directory

FIELDS = (
    "external_id",
    "active",
    "contact_mechanisms.type",
    "contact_mechanisms.value",
    "addresses.external_id",
    "addresses.active",
)


@dataclass(frozen=True, slots=True)
class Customer:
    """Ids of a party, and of its addresses for the invoice and the delivery."""

    party: int
    invoice_address: int
    shipment_address: int


@dataclass(slots=True)
class Parties:
    """
    Finds the buyer by our mark, else by e-mail; creates what is missing.

    The mark (external_id) is unique in the ERP, so two orders of one buyer that arrive at once,
    in this process or another, end with one party (Invariant 4). What the ERP's people have
    corrected in a party or an address is left as it is.
    """

    erp: TrytonClient
    directory: Directory
    _turns: "WeakValueDictionary[str, asyncio.Lock]" = field(default_factory=WeakValueDictionary)

    async def of(self, order: Order) -> Customer:
        """The customer of *order*."""
        mail = order["buyer"]["electronic_mail"].strip()
        turn = self._turns.setdefault(mail.casefold(), asyncio.Lock())
        async with turn:
            wanted = {
                "billing": await self._address(order, order["billing_address"]),
                "delivery": await self._address(order, order["delivery_address"]),
            }
            party = await self._find(order, mail) or await self._create(order, mail, wanted)
            billing = await self._place(party, wanted["billing"])
            delivery = await self._place(party, wanted["delivery"])
            return Customer(party["id"], billing, delivery)

    async def _find(self, order: Order, mail: str) -> Record | None:
        mark = party_mark(order)
        found = await self.erp.search(
            "party.party",
            [
                "OR",
                ["external_id", "=", mark],
                ["contact_mechanisms.value", "ilike", _literally(mail)],
            ],
            FIELDS,
        )
        marked = [party for party in found if party["external_id"] == mark]
        known = [party for party in found if party["active"] and _has_mail(party, mail)]
        return min(marked or known, key=lambda party: int(party["id"]), default=None)

    async def _create(self, order: Order, mail: str, wanted: dict[str, Record]) -> Record:
        buyer = order["buyer"]
        # Both may be one and the same address.
        addresses = list({address["external_id"]: address for address in wanted.values()}.values())
        values = {
            "name": buyer["name"] or mail,
            "external_id": party_mark(order),
            "sync_op": operation(order),
            "addresses": [["create", [_marked(address, order) for address in addresses]]],
            "contact_mechanisms": [["create", _contacts(buyer, mail)]],
        }
        try:
            return await self.erp.create("party.party", values, FIELDS)
        except RejectedError:
            # Another worker was faster, or a first try that we took for lost was not.
            party = await self._find(order, mail)
            if party is None:
                raise
            return party

    async def _place(self, party: Record, wanted: Record) -> int:
        """The id of an address of *party*, made when it is new."""
        digest = str(wanted["external_id"]).rsplit(":", 1)[-1]
        for address in party["addresses"]:
            if str(address["external_id"]).endswith(f":address:{digest}"):
                return int(address["id"])
        mark = f"party:{party['id']}:address:{digest}"
        values = {**wanted, "external_id": mark, "party": party["id"]}
        try:
            made = await self.erp.create("party.address", values, ["external_id"])
        except RejectedError:
            found = await self.erp.search(
                "party.address", [["external_id", "=", mark]], ["external_id"], limit=1
            )
            if not found:
                raise
            made = found[0]
        party["addresses"].append({"id": made["id"], "external_id": mark})
        return int(made["id"])

    async def _address(self, order: Order, address: Address) -> Record:
        lines = [
            address["street_name"],
            address["additional_street_name"],
            address["country_subentity"],
        ]
        values: Record = {
            "party_name": address["company"] or address["name"],
            "attn": address["name"] if address["company"] else None,
            "street_unstructured": "\n".join(line for line in lines if line),
            "postal_code": address["postal_zone"],
            "city": address["city_name"],
            "country": await self.directory.country(address["country_code"]),
            "invoice": True,
            "delivery": True,
        }
        digest = hashlib.sha256(repr(sorted(values.items())).encode()).hexdigest()[:16]
        # Equal addresses of one buyer have one mark: they stand in the ERP once.
        return {**values, "external_id": f"{party_mark(order)}:address:{digest}"}


def party_mark(order: Order) -> str:
    """
    The external_id of the buyer's party.

    A registered customer keeps the number when the e-mail changes; a guest is an e-mail address.
    """
    buyer, system = order["buyer"], order["source"]["system"]
    if buyer["registered"]:
        return f"{system}:customer:{buyer['id']}"
    return f"{system}:guest:{buyer['electronic_mail'].strip().casefold()}"


def operation(order: Order) -> str:
    """The mark of this write (Invariant 6): from which place in the source's log it came."""
    return f"{order['source']['system']}:{order['source']['position']}"


def _marked(address: Record, order: Order) -> Record:
    return {**address, "sync_op": operation(order)}


def _contacts(buyer: Buyer, mail: str) -> list[dict[str, Any]]:
    contacts = [{"type": "email", "value": mail}]
    if buyer["telephone"]:
        contacts.append({"type": "phone", "value": buyer["telephone"]})
    return contacts


def _has_mail(party: Record, mail: str) -> bool:
    contacts: Sequence[Record] = party["contact_mechanisms"]
    return any(
        contact["type"] == "email" and str(contact["value"]).casefold() == mail.casefold()
        for contact in contacts
    )


def _literally(text: str) -> str:
    """*text* for a LIKE: an underscore in an e-mail address is no wildcard."""
    return text.replace("\\", "\\\\").replace("_", "\\_").replace("%", "\\%")
