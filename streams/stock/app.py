"""Settings in, the running stock app out: moves and web orders to ``canonical.stock``."""

import time
from collections.abc import Callable
from contextlib import ExitStack

import orjson

from runtime.avro import AvroCodec
from runtime.errors import ConfigurationError
from runtime.kafka import Follower
from runtime.registry import SchemaRegistry
from runtime.settings import Settings
from schemas import topics
from streams.app import batch_app, dead_letters
from streams.batch import BatchApp, run
from streams.stock.agent import MOVES, STOCK, StockAgent
from streams.stock.catalogue import Catalogue, LiveCatalogue
from streams.stock.order_demand import ORDERS, OrderDemand
from streams.stock.record import Rules
from streams.stock.sale_demand import SALES, SaleDemand

NAME = "streams.stock"
SWEEP_SECONDS = 0.2
WAIT_SECONDS = 60.0


def build(settings: Settings, catalogue: Callable[[], Catalogue]) -> BatchApp:
    """Put the agents together."""
    app = batch_app(settings, NAME)
    registry = SchemaRegistry(settings.registry.url)
    codec = AvroCodec(registry, STOCK, "stock")
    codec.register()  # a registry that is down stops the start, not a record on its way
    buried = dead_letters(settings, NAME)

    orders = app.batch_table("orders")
    wanted = OrderDemand(orders, catalogue, AvroCodec(registry, ORDERS, "order").decode, buried)
    app.batch_agent(ORDERS, tables=[orders], name="order_demand")(wanted.fold)
    app.sweep(every=SWEEP_SECONDS, tables=[orders])(wanted.follow)

    sales = app.batch_table("sales")
    app.batch_agent(SALES, tables=[sales], name="sale_demand")(SaleDemand(sales, buried).fold)

    stock = app.batch_table("stock")
    promise = StockAgent(stock, catalogue, rules(settings), codec.encode, buried)
    app.batch_agent(MOVES, topics.DEMAND, tables=[stock], name="stock")(promise.fold)
    app.sweep(every=SWEEP_SECONDS, tables=[stock])(promise.settle)
    return app


def rules(settings: Settings) -> Rules:
    """Read what the settings say about stock."""
    return Rules(
        warehouses=tuple(sorted(settings.stock.locations)),
        web_warehouse=settings.orders.warehouse,
        safety=settings.stock.safety,
        safety_by_sku=settings.stock.safety_by_sku,
    )


def main(settings: Settings) -> int:
    """Run until told to stop; the exit code says whether it ended well."""
    with ExitStack() as stack:
        products, locations = (
            Follower(
                settings.kafka.cluster,
                topics.reference("tryton", what),
                decode=orjson.loads,
                client_id=f"{NAME}.{what}",
            )
            for what in ("product", "location")
        )
        for follower in (products, locations):
            follower.start()
            stack.callback(follower.stop)
        for follower in (products, locations):
            follower.wait_until_caught_up()
        catalogue = LiveCatalogue(products, locations)
        wait_for_warehouses(catalogue, rules(settings))
        return run(build(settings, catalogue))


def wait_for_warehouses(
    catalogue: Callable[[], Catalogue],
    rules: Rules,
    *,
    seconds: float = WAIT_SECONDS,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """
    Wait until the ERP's location tree has the warehouses that the settings name.

    Without them no move could be told from another; raises ConfigurationError after *seconds*.
    """
    wanted = {*rules.warehouses, rules.web_warehouse}
    until = clock() + seconds
    while missing := wanted - catalogue().zones.warehouses.keys():
        if clock() > until:
            known = ", ".join(sorted(catalogue().zones.warehouses)) or "none"
            raise ConfigurationError(
                f"[stock.locations] and [orders] warehouse name {', '.join(sorted(missing))},"
                f" but the warehouses that were captured from the ERP are: {known};"
                " correct the code in syncline.toml, or see `syncline status` for the capture"
            )
        sleep(0.1)
