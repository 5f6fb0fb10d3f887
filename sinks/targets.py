"""Settings in, each target's routes out: the one list of what is written where."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

from runtime.avro import AvroCodec, Registry
from runtime.settings import Settings
from schemas import topics
from sinks.tryton.client import TrytonClient
from sinks.tryton.directory import Directory
from sinks.tryton.order import OrderSink
from sinks.vendure.client import VendureClient
from sinks.vendure.stock import StockSink
from sinks.worker import Batched, Breaker, Route, direct

Routes = Callable[[Settings, Registry, AsyncExitStack], list[Route[Any]]]
"""Wires a target; what it opens is closed with the stack."""


def tryton(settings: Settings, registry: Registry, closing: AsyncExitStack) -> list[Route[Any]]:
    """The ERP takes orders."""
    erp = TrytonClient(
        url=settings.tryton.url,
        database=settings.tryton.database,
        api_key=settings.tryton.api_key.get_secret_value(),
        username=settings.tryton.username,
        password=settings.tryton.password.get_secret_value(),
        calls_per_second=settings.tryton.calls_per_second,
        timeout_seconds=settings.tryton.timeout_seconds,
    )
    closing.push_async_callback(erp.close)
    orders = OrderSink(erp, Directory(erp, settings.orders))
    return [
        Route(
            entity="order",
            target="tryton",
            kind="document",
            group="sinks.tryton.order",
            decode=AvroCodec(registry, topics.canonical("order"), "order").decode,
            apply=direct(orders, Breaker("tryton"), keys_in_flight=settings.sinks.keys_in_flight),
        )
    ]


def vendure(settings: Settings, registry: Registry, closing: AsyncExitStack) -> list[Route[Any]]:
    """The shop takes stock."""
    shop = VendureClient(
        admin_api=settings.vendure.admin_api,
        username=settings.vendure.username,
        password=settings.vendure.password.get_secret_value(),
        calls_per_second=settings.vendure.calls_per_second,
        timeout_seconds=settings.vendure.timeout_seconds,
    )
    closing.push_async_callback(shop.close)
    return [
        Route(
            entity="stock",
            target="vendure",
            kind="state",
            group="sinks.vendure.stock",
            decode=AvroCodec(registry, topics.canonical("stock"), "stock").decode,
            apply=Batched(
                StockSink(shop, settings.stock.locations),
                Breaker("vendure"),
                at_most=settings.sinks.batch_size,
            ),
        )
    ]


TARGETS: dict[str, Routes] = {"tryton": tryton, "vendure": vendure}
