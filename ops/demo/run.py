"""
A running stack's status in, the demo's report out.

Buyers and the warehouse work at the same time; then the demo waits until both systems say the
same through their own APIs, and adds up what the ledger says about each write.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import httpx

from ops.demo import compare, report, shop, shop_admin
from ops.demo.compare import Findings
from ops.demo.erp import Erp
from ops.demo.plan import Basket, baskets
from runtime.avro import AvroCodec
from runtime.kafka import Cluster, read_to_end
from runtime.registry import SchemaRegistry
from schemas import avsc, topics
from schemas.records import LedgerEntry

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Options:
    """How much to do, and how long to wait for it."""

    orders: int = 40
    buyers: int = 4
    receipts: int = 5
    seed: int = 20261124
    pause_seconds: float = 3.0  # of a buyer between two orders, on average; 0 is a rush
    warehouse: str = "WH"
    patience_seconds: float = 120


@dataclass(slots=True)
class Demo:
    """The two systems, and what was done to them."""

    status: Mapping[str, Any]
    options: Options
    say: Say
    http: httpx.AsyncClient
    placed: list[str] = field(default_factory=list)
    sold_out: int = 0

    @property
    def _endpoints(self) -> Mapping[str, Any]:
        endpoints: Mapping[str, Any] = self.status["endpoints"]
        return endpoints

    @property
    def erp(self) -> Erp:
        """The ERP, as the shopkeeper uses it."""
        erp = self._endpoints["erp"]
        return Erp(self.http, erp["url"], erp["database"], erp["api_key"])

    async def admin(self) -> shop.Visit:
        """The shop, as the shopkeeper sees it."""
        known = self._endpoints["shop"]
        return await shop_admin.sign_in(
            self.http, known["admin_api"], known["username"], known["password"]
        )

    async def buy(self) -> None:
        """Let all buyers shop, each one order after the other."""
        url = self._endpoints["shop"]["shop_api"]
        variants = await shop.catalogue(self.http, url)
        plan = baskets(
            self.options.seed,
            orders=self.options.orders,
            skus=sorted(variants),
            popular=sorted(variants)[:: max(1, len(variants) // 4)][:4],
            run=f"{time.time_ns() // 1_000_000:x}",
        )
        waiting: asyncio.Queue[Basket] = asyncio.Queue()
        for basket in plan:
            waiting.put_nowait(basket)
        async with asyncio.TaskGroup() as group:
            for number in range(self.options.buyers):
                pauses = random.Random(self.options.seed + number)  # noqa: S311 - a plan
                group.create_task(self._shop(url, waiting, variants, pauses))

    async def _shop(
        self,
        url: str,
        waiting: asyncio.Queue[Basket],
        variants: dict[str, str],
        pauses: random.Random,
    ) -> None:
        while not waiting.empty():
            await asyncio.sleep(pauses.uniform(0, 2 * self.options.pause_seconds))
            if waiting.empty():
                return
            basket = waiting.get_nowait()
            placed = await shop.place(self.http, url, basket, variants)
            if placed is None:
                # Earlier runs bought the shelf empty: this buyer takes something else.
                self.sold_out += 1
                if self.sold_out < self.options.orders:
                    other = pauses.choice(sorted(variants))
                    waiting.put_nowait(replace(basket, quantities={other: 1}))
            else:
                self.placed.append(placed.code)
            if len(self.placed) % 10 == 0:
                self.say(f"{len(self.placed)} orders placed")

    async def receive(self) -> None:
        """Take in deliveries at the warehouse while the buyers shop."""
        skus = sorted(await self.erp.promisable(self.options.warehouse))
        for number in range(self.options.receipts):
            chosen = skus[number * 3 : number * 3 + 3]
            await self.erp.receive(self.options.warehouse, dict.fromkeys(chosen, 12))
            self.say(f"received 12 each of {', '.join(chosen)}")

    async def orders_agree(self) -> Findings:
        """Compare every order that was ever placed in this shop."""
        orders, sales = await asyncio.gather(
            shop_admin.orders(await self.admin()), self.erp.sales()
        )
        return compare.compare_orders(orders, sales)

    async def stock_agrees(self) -> Findings:
        """Compare every SKU."""
        erp, offered = await asyncio.gather(
            self.erp.promisable(self.options.warehouse), shop_admin.offered(await self.admin())
        )
        return compare.compare_stock(erp, offered)


async def play(status: Mapping[str, Any], options: Options, say: Say) -> dict[str, Any]:
    """Do the main job on the stack that *status* describes; return the report."""
    started = datetime.now(UTC)
    async with httpx.AsyncClient(timeout=60) as http:
        demo = Demo(status, options, say, http)
        say("waiting until the shop offers what the ERP has")
        await agreed(demo.stock_agrees, options.patience_seconds)
        began = datetime.now(UTC)
        async with asyncio.TaskGroup() as group:
            group.create_task(demo.buy())
            group.create_task(demo.receive())
        say(f"{len(demo.placed)} orders placed; waiting until both sides agree")
        await written(status, demo.placed, options.patience_seconds)
        orders = await agreed(demo.orders_agree, options.patience_seconds)
        stock = await agreed(demo.stock_agrees, options.patience_seconds)
    flows = await asyncio.to_thread(_flows, status, began, demo.placed, orders, stock)
    problems = [*_problems("orders", orders), *_problems("stock", stock)]
    if len(demo.placed) < options.orders:
        problems.append(f"only {len(demo.placed)} of {options.orders} orders could be placed")
    seconds = (datetime.now(UTC) - started).total_seconds()
    return report.as_json(flows, problems, seconds)


async def written(status: Mapping[str, Any], codes: Sequence[str], patience_seconds: float) -> None:
    """
    Wait until the ledger has every order of *codes*, or patience ends.

    Asking the ERP again and again would take from it the time that it needs for the orders.
    """
    deadline = time.monotonic() + patience_seconds
    while time.monotonic() < deadline:
        entries = await asyncio.to_thread(ledger, status)
        if set(codes) <= {entry["key"] for entry in entries if entry["entity"] == "order"}:
            return
        await asyncio.sleep(1)


async def agreed(look: Callable[[], Awaitable[Findings]], patience_seconds: float) -> Findings:
    """Look until the findings are clean, or patience ends; return the last look."""
    deadline = time.monotonic() + patience_seconds
    while True:
        findings = await look()
        if findings.clean or time.monotonic() > deadline:
            return findings
        await asyncio.sleep(1)


def _flows(
    status: Mapping[str, Any],
    began: datetime,
    placed: Sequence[str],
    orders: Findings,
    stock: Findings,
) -> list[report.Flow]:
    entries = [entry for entry in ledger(status) if entry["committed_at"] >= began]
    cluster = Cluster(status["endpoints"]["kafka"])

    def told(name: str, entity: str, keys: Collection[str], findings: Findings) -> report.Flow:
        mine = [entry for entry in entries if entry["entity"] == entity]
        written_ms = {
            (record.partition, record.offset): record.timestamp_ms
            for record in read_to_end(cluster, topics.canonical(entity))
        }
        return report.flow(name, keys, mine, findings, written_ms)

    touched = {entry["key"] for entry in entries if entry["entity"] == "stock"}
    return [
        told("orders", "order", placed, orders),
        told("stock", "stock", touched, stock),
    ]


def ledger(status: Mapping[str, Any]) -> list[LedgerEntry]:
    """Every entry of the ledger, oldest first within each partition."""
    endpoints = status["endpoints"]
    stored = read_to_end(Cluster(endpoints["kafka"]), topics.LEDGER)
    with closing(SchemaRegistry(endpoints["registry"])) as registry:
        codec = AvroCodec(registry, topics.LEDGER, avsc.LEDGER)
        return [codec.decode(record.value) for record in stored if record.value is not None]


def _problems(flow: str, findings: Findings) -> Sequence[str]:
    return [
        *(f"{flow}: lost: {key}" for key in findings.lost),
        *(f"{flow}: doubled: {key}" for key in findings.doubled),
        *(f"{flow}: {sentence}" for sentence in findings.different),
    ]
