"""The order sink against the real ERP: to the cent, once, whatever step is lost."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Mapping
from decimal import Decimal
from typing import Any

import httpx
import pytest

from runtime.errors import RecordError, TransientError
from runtime.settings import Orders
from schemas.records import Order
from sinks.tryton.client import TrytonClient
from sinks.tryton.directory import Directory
from sinks.tryton.order import SALE_FIELDS, OrderSink
from tests.contract.orders import address, charge, shop_order

pytestmark = pytest.mark.stack

Stack = Mapping[str, Any]


class LossyWire(httpx.AsyncHTTPTransport):
    """The network, on which the answer to one write is lost after the ERP has done it."""

    def __init__(self) -> None:
        super().__init__()
        self.lose: int | None = None
        self.writes: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Pass on; the ERP's answer may not come back."""
        response = await super().handle_async_request(request)
        if not writes(request):
            return response
        self.writes.append(request.url.path)
        if self.lose == len(self.writes):
            await response.aread()
            raise httpx.ReadTimeout("no answer", request=request)
        return response


def writes(request: httpx.Request) -> bool:
    """Whether *request* changes something in the ERP."""
    if request.url.path.endswith("/rpc/"):
        return bool(json.loads(request.content)["method"].endswith("execute"))
    return request.method != "GET"


def client(stack: Stack, wire: httpx.AsyncBaseTransport | None = None) -> TrytonClient:
    """A client with Syncline's own restricted user."""
    erp = stack["endpoints"]["erp"]
    return TrytonClient(
        erp["url"],
        erp["database"],
        erp["sync"]["api_key"],
        erp["sync"]["username"],
        erp["sync"]["password"],
        timeout_seconds=120,
        transport=wire,
    )


@pytest.fixture(name="erp")
async def _erp(stack: Stack) -> AsyncIterator[TrytonClient]:
    erp = client(stack)
    yield erp
    await erp.close()


@pytest.fixture(name="sink")
def _sink(erp: TrytonClient) -> OrderSink:
    return OrderSink(erp, Directory(erp, Orders()))


@pytest.fixture(name="unique")
def _unique() -> str:
    return uuid.uuid4().hex[:8].upper()


def order(unique: str, number: int, *args: Any, **kwargs: Any) -> Order:
    """An order of this test's own buyer."""
    kwargs.setdefault("buyer", unique)
    kwargs.setdefault("mail", f"{unique.lower()}_1@example.com")
    return shop_order(f"{unique}-{number}", *args, **kwargs)


async def sales(erp: TrytonClient, code: str) -> list[dict[str, Any]]:
    """Every sale of the order *code*, with its invoices."""
    fields = [*SALE_FIELDS, "invoices.total_amount", "invoices.untaxed_amount"]
    return await erp.search("sale.sale", [["web_id", "=", code]], fields)


async def check(erp: TrytonClient, placed: Order, state: str = "processing") -> dict[str, Any]:
    """One sale, and all its sums the shop's."""
    (sale,) = await sales(erp, placed["id"])
    assert sale["state"] == state
    assert sale["untaxed_amount"] == placed["tax_exclusive_amount"]
    assert sale["tax_amount"] == placed["tax_amount"]
    assert sale["total_amount"] == placed["tax_inclusive_amount"]
    if state == "processing":
        (invoice,) = sale["invoices"]
        assert invoice["total_amount"] == placed["tax_inclusive_amount"]
        assert invoice["untaxed_amount"] == placed["tax_exclusive_amount"]
    return sale


async def test_awkward_prices_come_out_to_the_cent(
    sink: OrderSink, erp: TrytonClient, unique: str
) -> None:
    """Two rates, half cents, quantities, shipping and a discount; the invoice agrees too."""
    placed = order(
        unique,
        1,
        [
            ("ALL-LONG", "0.99", 1, "20"),
            ("LIV-PETITP-REL", "19.99", 3, "5.5"),
            ("VER-VIN", "33.33", 2, "20"),
            ("MUG-CHAT", "19.95", 1, "20"),
            ("CHO-NOIR", "0.01", 7, "5.5"),
        ],
        charges=[charge("shipping", "4.90"), charge("surcharge", "-3.33")],
    )
    applied = await sink.upsert(placed["id"], placed)
    sale = await check(erp, placed)

    assert applied.outcome == "created"
    assert applied.target_id == str(sale["id"])
    assert [payment["state"] for payment in sale["payments"]] == ["succeeded"]
    again = await sink.upsert(placed["id"], placed)
    assert again.outcome == "unchanged"
    await check(erp, placed)


async def test_a_lost_answer_at_any_write_ends_in_the_same_place(
    stack: Stack, sink: OrderSink, erp: TrytonClient, unique: str
) -> None:
    """The ERP has done it and nobody was told: a new process looks up and goes on."""
    wire = LossyWire()
    lossy = client(stack, wire)
    first = order(unique, 0, buyer=f"{unique}-0", mail=f"{unique.lower()}0@example.com")
    await OrderSink(lossy, Directory(lossy, Orders())).upsert(first["id"], first)
    count = len(wire.writes)
    assert count >= 7, wire.writes
    for lost in range(1, count + 1):
        who = f"{unique}-{lost}"
        placed = order(unique, lost, buyer=who, mail=f"{who.lower()}@example.com")
        wire.writes, wire.lose = [], lost
        with pytest.raises(TransientError):
            await OrderSink(lossy, Directory(lossy, Orders())).upsert(placed["id"], placed)
        await sink.upsert(placed["id"], placed)

        sale = await check(erp, placed)
        assert [payment["state"] for payment in sale["payments"]] == ["succeeded"]
        parties = await erp.search(
            "party.party", [["contact_mechanisms.value", "=", f"{who.lower()}@example.com"]], ["id"]
        )
        assert len(parties) == 1, f"answer {lost} was lost"
    wire.lose = None
    await lossy.close()


async def test_orders_of_one_buyer_at_once_make_one_party(
    stack: Stack, erp: TrytonClient, unique: str
) -> None:
    """In one worker and in several; the same address stands there once."""
    clients = [client(stack) for _ in range(2)]
    sinks = [OrderSink(one, Directory(one, Orders())) for one in clients]
    placed = [order(unique, number, delivery=address("Bob", "Paris")) for number in range(4)]
    await asyncio.gather(*(_patiently(sinks[n % 2], one) for n, one in enumerate(placed)))
    for one in clients:
        await one.close()

    owners = {(await check(erp, one))["party"] for one in placed}
    assert len(owners) == 1
    found = await erp.search(
        "party.address", [["party", "=", owners.pop()]], ["city", "party_name"]
    )
    assert sorted(one["city"] for one in found) == ["Lyon", "Paris"]


async def _patiently(sink: OrderSink, placed: Order) -> None:
    """Try again where the ERP says that two wrote one row at once, as the worker does."""
    for _ in range(20):
        try:
            await sink.upsert(placed["id"], placed)
        except TransientError:
            continue
        return
    raise AssertionError(f"{placed['id']}: the ERP never took it")


async def test_a_guest_is_known_by_e_mail_and_stays_who_they_are_when_they_register(
    sink: OrderSink, erp: TrytonClient, unique: str
) -> None:
    """An underscore is no wildcard: a similar address is another person."""
    guest = order(unique, 1, registered=False, mail=f"{unique}_a@Example.com")
    later = order(unique, 2, registered=True, mail=f"{unique}_a@example.com".lower())
    other = order(unique, 3, registered=False, mail=f"{unique}xa@example.com")
    for placed in (guest, later, other):
        await sink.upsert(placed["id"], placed)
    parties = [(await check(erp, placed))["party"] for placed in (guest, later, other)]

    assert parties[0] == parties[1]
    assert parties[2] != parties[0]


async def test_a_transfer_is_confirmed_when_authorised_and_booked_when_settled(
    sink: OrderSink, erp: TrytonClient, unique: str
) -> None:
    """The second version of the order moves the same payment on."""
    authorised = order(unique, 1, payment="authorized", method="transfer")
    await sink.upsert(authorised["id"], authorised)
    assert [one["state"] for one in (await check(erp, authorised))["payments"]] == ["submitted"]

    settled = order(unique, 1, payment="settled", method="transfer", position=2_000)
    applied = await sink.upsert(settled["id"], settled)
    assert applied.outcome == "updated"
    assert [one["state"] for one in (await check(erp, settled))["payments"]] == ["succeeded"]


async def test_an_unpaid_order_waits_as_a_quotation_and_is_cancelled_with_the_shop(
    sink: OrderSink, erp: TrytonClient, unique: str
) -> None:
    """A cancellation that comes too late says what to do instead."""
    unpaid = order(unique, 1, payment=None)
    await sink.upsert(unpaid["id"], unpaid)
    await check(erp, unpaid, "quotation")
    cancelled = order(unique, 1, payment=None, status="cancelled")
    assert (await sink.upsert(cancelled["id"], cancelled)).outcome == "updated"
    assert (await sink.upsert(cancelled["id"], cancelled)).outcome == "unchanged"
    await check(erp, unpaid, "cancelled")

    paid, late = order(unique, 2), order(unique, 2, status="cancelled")
    await sink.upsert(paid["id"], paid)
    with pytest.raises(RecordError, match="is processing in the ERP: cancel its shipment"):
        await sink.upsert(late["id"], late)
    never = order(unique, 3, status="cancelled")
    assert (await sink.upsert(never["id"], never)).outcome == "unchanged"
    assert await sales(erp, never["id"]) == []


async def test_what_the_erp_does_not_know_is_named_and_nothing_is_written(
    sink: OrderSink, erp: TrytonClient, unique: str
) -> None:
    """An unknown SKU, tax rate, country or payment method."""
    cases: dict[str, dict[str, Any]] = {
        "no active product with code NOPE-1; create it": {"lines": [("NOPE-1", "1.00", 1, "20")]},
        r"\[orders.taxes\] in syncline.toml": {"lines": [("MUG-CHAT", "1.00", 1, "7.7")]},
        "no country JP": {"delivery": address("Kenji", "Tokyo", "JP")},
    }
    for number, (sentence, changes) in enumerate(cases.items()):
        placed = order(unique, number, **changes)
        with pytest.raises(RecordError, match=sentence):
            await sink.upsert(placed["id"], placed)
        assert await sales(erp, placed["id"]) == []


async def test_an_order_that_changed_after_it_arrived_is_refused_with_both_sums(
    sink: OrderSink, erp: TrytonClient, unique: str
) -> None:
    """The sale in the ERP stays as it is."""
    placed = order(unique, 1, [("MUG-CHAT", "10.00", 1, "20")])
    await sink.upsert(placed["id"], placed)
    changed = order(unique, 1, [("MUG-CHAT", "10.00", 2, "20")])
    with pytest.raises(RecordError, match=r"the shop says .*24\.90, but sale .*14\.90"):
        await sink.upsert(changed["id"], changed)

    await check(erp, placed)


async def test_an_order_of_many_lines_arrives_whole(
    sink: OrderSink, erp: TrytonClient, unique: str
) -> None:
    """Rounding is spread over many lines and still comes out."""
    skus = ("ALL-LONG", "MUG-CHAT", "LIV-CANDIDE", "CHO-NOIR", "VER-VIN")
    lines = [
        (
            skus[number % 5],
            str(Decimal(99 + 7 * number) / 100),
            1 + number % 3,
            "5.5" if number % 5 in {2, 3} else "20",
        )
        for number in range(40)
    ]
    placed = order(unique, 1, lines)
    await sink.upsert(placed["id"], placed)

    await check(erp, placed)
