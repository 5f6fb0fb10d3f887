"""A shop's transactions in, the records that Debezium makes of them out: as it was seen to do."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson

from streams.mappings.vendure.arithmetic import Priced

STEP = 100
COMMIT_TIME = 1_795_510_000_000_000
ADDRESS = orjson.dumps(
    {
        "fullName": "Ann Doé",
        "streetLine1": "1 rue de l’Église",
        "streetLine2": "Bât. B",
        "city": "Lyon",
        "postalCode": "69001",
        "countryCode": "FR",
        "phoneNumber": "+33600000000",
        "country": "France",
    }
).decode()


@dataclass(frozen=True, slots=True)
class Raw:
    """A record as the broker keeps it."""

    key: bytes | None
    value: bytes | None
    offset: int = 0
    timestamp: int = 0
    headers: tuple[()] = ()


@dataclass(slots=True)
class Transaction:
    """Rows changed together; *after_commit* is the commit before this one's."""

    log: "ShopLog"
    number: int
    after_commit: int
    events: list[tuple[bytes, bytes]] = field(default_factory=list, repr=False)

    def change(
        self, table: str, key: int | None, before: Any, after: Any, op: str | None = None
    ) -> None:
        """Change one row of the document *key*."""
        self.log.lsn += STEP
        self._say(op or _op(before, after), table, key, before, after)

    def move(self, table: str, old: int | None, new: int | None, before: Any, after: Any) -> None:
        """Change the row's document: a delete under the old key, a create under the new one."""
        self.log.lsn += STEP
        self._say("d", table, old, before, None)
        self._say("c", table, new, None, after)

    def _say(self, op: str, table: str, key: int | None, before: Any, after: Any) -> None:
        source = {
            "name": "cdc.vendure",
            "ts_us": COMMIT_TIME + self.number * 1_000_000,
            "snapshot": "false",
            "sequence": orjson.dumps([str(self.after_commit), str(self.log.lsn)]).decode(),
            "table": table,
            "txId": self.number,
            "lsn": self.log.lsn,
        }
        envelope = {"op": op, "before": before, "after": after, "source": source}
        self.events.append((b"null" if key is None else b"%d" % key, orjson.dumps(envelope)))


@dataclass(slots=True)
class ShopLog:
    """A write-ahead log: *commits* holds, per transaction, its events and where it committed."""

    lsn: int = 1000
    number: int = 700
    commits: list[tuple[int, list[tuple[bytes, bytes]]]] = field(default_factory=list, repr=False)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Change rows together, and commit."""
        self.number += 1
        last = self.commits[-1][0] if self.commits else 900
        transaction = Transaction(self, self.number, last)
        yield transaction
        self.lsn += STEP
        self.commits.append((self.lsn, transaction.events))

    def events(self) -> list[tuple[bytes, bytes]]:
        """All events, in commit order."""
        return [event for _, events in self.commits for event in events]


@dataclass(slots=True)
class Shopper:
    """One order, as the shop writes it: each method is one API call, one transaction."""

    log: ShopLog
    id: int
    code: str
    customer: int = 1
    root: dict[str, Any] = field(default_factory=dict)
    lines: dict[int, dict[str, Any]] = field(default_factory=dict)
    shipping: dict[int, dict[str, Any]] = field(default_factory=dict)
    surcharges: dict[int, dict[str, Any]] = field(default_factory=dict)
    payment: dict[str, Any] = field(default_factory=dict)

    def start(self) -> None:
        """Open a cart."""
        with self.log.transaction() as tx:
            self._order(tx, state="Created")
            self._order(tx, state="AddingItems")

    def add(self, line: int, variant: int, quantity: int, price: int, **more: Any) -> None:
        """Put something into the cart."""
        self.add_all([(line, variant, quantity, price)], **more)

    def add_all(self, wanted: list[tuple[int, int, int, int]], **more: Any) -> None:
        """Put several things into the cart, in one transaction."""
        with self.log.transaction() as tx:
            for line, variant, quantity, price in wanted:
                row = {**line_row(line, variant, price), **more}
                tx.change("order_line", None, None, row)
                owned = {**row, "orderId": self.id}
                tx.move("order_line", None, self.id, row, owned)
                self.lines[line] = owned
                self._line(tx, line, quantity=quantity)
            self._order(tx)

    def change(self, line: int, **more: Any) -> None:
        """Change a line, such as its quantity."""
        with self.log.transaction() as tx:
            self._line(tx, line, **more)
            self._order(tx)

    def remove(self, line: int) -> None:
        """Take a line out of the cart."""
        with self.log.transaction() as tx:
            row = self.lines.pop(line)
            orphan = {**row, "orderId": None}
            tx.move("order_line", self.id, None, row, orphan)
            tx.change("order_line", None, orphan, None)
            self._order(tx)

    def ship(self, line: int, price: int, **more: Any) -> None:
        """Choose how it is sent, and where to."""
        with self.log.transaction() as tx:
            row = {**shipping_row(line, price), **more, "orderId": self.id}
            tx.change("shipping_line", self.id, None, row)
            self.shipping[line] = row
            self._order(tx, shippingAddress=ADDRESS)

    def surcharge(self, line: int, price: int) -> None:
        """Charge something more."""
        with self.log.transaction() as tx:
            row = {**surcharge_row(line, price), "orderId": self.id}
            tx.change("surcharge", self.id, None, row)
            self.surcharges[line] = row
            self._order(tx)

    def place(self, payment: int, *, lie: int = 0) -> None:
        """Pay: the order is placed. A *lie* makes the shop's own sum wrong by as many cents."""
        with self.log.transaction() as tx:
            row = payment_row(payment, self._total())
            tx.change("payment", None, None, row)
            self.payment = {**row, "orderId": self.id, "state": "Authorized"}
            tx.move("payment", None, self.id, row, self.payment)
            self._order(tx, state="PaymentAuthorized")
            for line in list(self.lines):
                self._line(tx, line, orderPlacedQuantity=self.lines[line]["quantity"])
            self._order(tx, active=False, orderPlacedAt=COMMIT_TIME)
            if lie:
                self._order(tx, subTotalWithTax=self.root["subTotalWithTax"] + lie)
            tx.change("payment", self.id, self.payment, self.payment)

    def settle(self) -> None:
        """The money is there."""
        with self.log.transaction() as tx:
            before, self.payment = self.payment, {**self.payment, "state": "Settled"}
            tx.change("payment", self.id, before, self.payment)
            self._order(tx, state="PaymentSettled")

    def cancel(self) -> None:
        """The whole order is called off."""
        with self.log.transaction() as tx:
            for line in list(self.lines):
                self._line(tx, line, quantity=0)
            self._order(tx, state="Cancelled")

    def _line(self, tx: Transaction, line: int, **more: Any) -> None:
        before, self.lines[line] = self.lines[line], {**self.lines[line], **more}
        tx.change("order_line", self.id, before, self.lines[line])

    def _order(self, tx: Transaction, **more: Any) -> None:
        before = self.root or None
        base = self.root or order_row(self.id, self.code, self.customer)
        self.root = {**base, **self._sums(), **more}
        tx.change("order", self.id, before, self.root)

    def _sums(self) -> dict[str, int]:
        goods = [priced(row) for row in (*self.lines.values(), *self.surcharges.values())]
        sent = [priced(row) for row in self.shipping.values()]
        return {
            "subTotal": sum(one.net() for one in goods),
            "subTotalWithTax": sum(one.gross() for one in goods),
            "shipping": sum(one.net() for one in sent),
            "shippingWithTax": sum(one.gross() for one in sent),
        }

    def _total(self) -> int:
        sums = self._sums()
        return sums["subTotalWithTax"] + sums["shippingWithTax"]


def priced(row: Mapping[str, Any]) -> Priced:
    """Read what a row costs."""
    quantity = row.get("quantity", 1)
    return Priced(
        row["listPrice"],
        row["listPriceIncludesTax"],
        [tax["taxRate"] for tax in orjson.loads(row["taxLines"])],
        [one["amount"] for one in orjson.loads(row.get("adjustments", "[]"))],
        quantity,
        max(quantity, row.get("orderPlacedQuantity", 1)),
    )


def order_row(identity: int, code: str, customer: int) -> dict[str, Any]:
    """Return a row of ``order``: an empty cart."""
    return {
        "id": identity,
        "code": code,
        "type": "Regular",
        "state": "Created",
        "active": True,
        "orderPlacedAt": None,
        "customerId": customer,
        "currencyCode": "EUR",
        "shippingAddress": "{}",
        "billingAddress": "{}",
    }


def line_row(identity: int, variant: int, price: int) -> dict[str, Any]:
    """Return a row of ``order_line`` that belongs to no order yet."""
    return {
        "id": identity,
        "orderId": None,
        "productVariantId": variant,
        "quantity": 0,
        "orderPlacedQuantity": 0,
        "listPrice": price,
        "listPriceIncludesTax": True,
        "adjustments": "[]",
        "taxLines": '[{"description":"TVA 20 %","taxRate":20}]',
    }


def shipping_row(identity: int, price: int) -> dict[str, Any]:
    """Return a row of ``shipping_line``."""
    return {
        "id": identity,
        "listPrice": price,
        "listPriceIncludesTax": True,
        "adjustments": "[]",
        "taxLines": '[{"description":"TVA 20 %","taxRate":20}]',
    }


def surcharge_row(identity: int, price: int) -> dict[str, Any]:
    """Return a row of ``surcharge``."""
    return {
        "id": identity,
        "description": "Gift wrap",
        "listPrice": price,
        "listPriceIncludesTax": True,
        "taxLines": '[{"description":"TVA 20 %","taxRate":20}]',
    }


def payment_row(identity: int, amount: int) -> dict[str, Any]:
    """Return a row of ``payment`` that belongs to no order yet."""
    return {
        "id": identity,
        "orderId": None,
        "method": "card",
        "state": "Created",
        "amount": amount,
        "transactionId": "T-1",
    }


def _op(before: Any, after: Any) -> str:
    if before is None:
        return "c"
    return "u" if after is not None else "d"
