"""Each sink with a small fake of its target's API: what the contract suite is run against."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx

from runtime.errors import RecordError
from runtime.settings import Orders
from sinks.sink import Applied
from sinks.tryton.client import TrytonClient
from sinks.tryton.directory import Directory
from sinks.tryton.order import OrderSink
from sinks.vendure.client import VendureClient
from sinks.vendure.stock import StockSink
from tests.contract.fake_tryton import FakeTryton
from tests.contract.fake_vendure import FakeVendure
from tests.contract.orders import shop_order
from tests.contract.stock import stock

Answer = Callable[[httpx.Request], httpx.Response]


class Target(Protocol):
    """A fake that answers requests and shows what it holds."""

    def __call__(self, request: httpx.Request) -> httpx.Response: ...

    def state(self) -> Any: ...


@dataclass(slots=True)
class Wire:
    """The way to a target, on which things go wrong on cue, once each."""

    target: Target
    before: dict[int, Answer] = field(default_factory=dict)
    after: dict[int, Exception] = field(default_factory=dict)
    sent: int = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Pass on, or fail before or after the target has done it."""
        self.sent += 1
        instead = self.before.pop(self.sent, None)
        if instead is not None:
            return instead(request)
        answer = self.target(request)
        lost = self.after.pop(self.sent, None)
        if lost is not None:
            raise lost
        return answer

    def transport(self) -> httpx.MockTransport:
        """What a client is given instead of the network."""
        return httpx.MockTransport(self)


@dataclass(frozen=True, slots=True)
class Case:
    """One sink under contract."""

    name: str
    key: str
    target: Callable[[], Target]
    write: Callable[[Wire], Callable[[], Awaitable[Applied]]]
    write_unknown: Callable[[Wire], Callable[[], Awaitable[Applied]]]
    unknown: str
    refusal: httpx.Response


def order_write(order: Any) -> Callable[[Wire], Callable[[], Awaitable[Applied]]]:
    """Write one order, by a client that has just started."""

    def over(wire: Wire) -> Callable[[], Awaitable[Applied]]:
        erp = TrytonClient(
            "http://erp",
            "erp",
            "key",
            "syncline",
            "secret",
            calls_per_second=10_000,
            transport=wire.transport(),
        )
        sink = OrderSink(erp, Directory(erp, Orders()))
        return lambda: sink.upsert(order["id"], order)

    return over


def stock_write(record: Any) -> Callable[[Wire], Callable[[], Awaitable[Applied]]]:
    """Write one level, by a client that has just started."""

    def over(wire: Wire) -> Callable[[], Awaitable[Applied]]:
        shop = VendureClient(
            "http://shop/admin-api",
            "syncline",
            "right",
            calls_per_second=10_000,
            transport=wire.transport(),
        )
        sink = StockSink(shop, {"WH": "Default Stock Location"})
        key = f"{record['sku']}@WH"

        async def write() -> Applied:
            answer = (await sink.write_many({key: record}))[key]
            if isinstance(answer, RecordError):
                raise answer
            return answer

        return write

    return over


ORDER = shop_order("T1001")
CASES = (
    Case(
        name="tryton-order",
        key="T1001",
        target=FakeTryton,
        write=order_write(ORDER),
        write_unknown=order_write(shop_order("T1002", [("NOPE", "1.00", 1, "20")])),
        unknown="NOPE",
        refusal=httpx.Response(400, json={"status": 400, "message": "A value is required."}),
    ),
    Case(
        name="tryton-order-authorized",
        key="T1003",
        target=FakeTryton,
        write=order_write(
            shop_order("T1003", payment="authorized", method="transfer", registered=False)
        ),
        write_unknown=order_write(
            shop_order("T1004", [("ALL-LONG", "1.00", 1, "7.7")], payment=None)
        ),
        unknown="7.7",
        refusal=httpx.Response(400, json={"status": 400, "message": "A value is required."}),
    ),
    Case(
        name="vendure-stock",
        key="MUG-CHAT@WH",
        target=FakeVendure,
        write=stock_write(stock("MUG-CHAT", "7")),
        write_unknown=stock_write(stock("NOPE", "7")),
        unknown="NOPE",
        refusal=httpx.Response(
            200,
            json={
                "errors": [{"message": "A value is bad", "extensions": {"code": "BAD_USER_INPUT"}}],
                "data": None,
            },
        ),
    ),
)
