"""The main job on the real Tryton and the real Vendure: nothing on the way is a fake."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import httpx
import pytest

from ops.demo import run, shop
from ops.demo.compare import Findings
from ops.demo.plan import baskets
from ops.demo.run import Demo, Options
from ops.demo.shop import Visit
from runtime.kafka import Cluster, read_to_end
from schemas import topics

pytestmark = pytest.mark.stack


async def test_orders_reach_the_erp_and_stock_reaches_the_shop(stack: Mapping[str, Any]) -> None:
    """Forty orders by four buyers and five deliveries: once, and to the cent."""
    report = await run.play(stack, Options(orders=40), print)

    assert report["problems"] == []
    orders, stock = report["flows"]
    assert orders["applied"] == orders["sent"] == 40
    assert orders["duplicates"] == 0
    assert stock["applied"] == stock["sent"] > 0


async def test_an_order_that_the_erp_cannot_take_becomes_a_dead_letter(
    stack: Mapping[str, Any],
) -> None:
    """A SKU the ERP does not know: one sentence, and the next orders go through."""
    async with httpx.AsyncClient(timeout=60) as http:
        demo = Demo(stack, Options(orders=3, buyers=1, seed=7), print, http)
        sku = f"INCONNU-{time.time_ns():x}"
        await add_product(await demo.admin(), sku)
        code = await buy_one(demo, sku)
        await demo.buy()

        reason = await dead_letter(stack, topics.dead_letters("sinks.tryton.order"), code)
        findings = await run.agreed(lambda: without(demo, code), 60)

    assert sku in reason
    assert "replay" in reason
    assert findings.clean


async def add_product(admin: Visit, sku: str) -> None:
    """Put a product on sale that only the shop knows."""
    categories = await admin.expect("{ taxCategories { items { id } } }")
    product = await admin.expect(
        "mutation($i: CreateProductInput!) { createProduct(input: $i) { id } }",
        i={"translations": [{"languageCode": "fr", "name": sku, "slug": sku, "description": ""}]},
    )
    variant = {
        "productId": product["id"],
        "sku": sku,
        "price": 1000,
        "taxCategoryId": categories["items"][0]["id"],
        "stockOnHand": 10,
        "translations": [{"languageCode": "fr", "name": sku}],
    }
    await admin.expect(
        "mutation($i: [CreateProductVariantInput!]!) { createProductVariants(input: $i) { id } }",
        i=[variant],
    )


async def buy_one(demo: Demo, sku: str) -> str:
    """Order one piece of *sku*; return the order's code."""
    url = demo.status["endpoints"]["shop"]["shop_api"]
    variants = await shop.catalogue(demo.http, url)
    (basket,) = baskets(1, orders=1, skus=[sku], popular=[], run=f"{time.time_ns():x}")
    placed = await shop.place(demo.http, url, basket, variants)
    assert placed is not None
    return placed.code


async def dead_letter(status: Mapping[str, Any], topic: str, key: str) -> str:
    """Wait for the dead letter of *key*; return its reason."""
    cluster = Cluster(status["endpoints"]["kafka"])
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for record in await asyncio.to_thread(read_to_end, cluster, topic):
            if record.key == key.encode():
                return dict(record.headers)["syncline.reason"].decode()
        await asyncio.sleep(0.5)
    raise AssertionError(f"no dead letter for {key} in {topic}")


async def without(demo: Demo, code: str) -> Findings:
    """Compare all orders but the one that cannot go through."""
    findings = await demo.orders_agree()
    return replace(findings, lost=tuple(key for key in findings.lost if key != code))
