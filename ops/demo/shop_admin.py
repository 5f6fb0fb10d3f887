"""Questions in, the shop's own answers out: Vendure's admin API, as the shopkeeper sees it."""

from collections import defaultdict
from decimal import Decimal
from typing import Any

import httpx

from ops.demo.compare import ShopOrder
from ops.demo.shop import FAILED, Visit
from ops.errors import OpsError

PAGE = 100
ORDERS = """
query($skip: Int!, $take: Int!) { orders(options: {skip: $skip, take: $take, sort: {id: ASC}}) {
  totalItems
  items {
    code active orderPlacedAt totalWithTax total customer { emailAddress }
    lines { quantity productVariant { sku } } payments { amount state }
  }
} }
"""
STOCK = """
query($skip: Int!, $take: Int!) { productVariants(options: {skip: $skip, take: $take}) {
  totalItems items { sku stockLevels { stockOnHand stockAllocated } }
} }
"""


async def sign_in(http: httpx.AsyncClient, url: str, username: str, password: str) -> Visit:
    """Begin a session of the admin API."""
    visit = Visit(http, url)
    answer = await visit.call(
        "mutation($u: String!, $p: String!) { login(username: $u, password: $p, rememberMe: true)"
        f" {{ __typename {FAILED} }} }}",
        u=username,
        p=password,
    )
    if answer.get("errorCode"):
        raise OpsError(f"the shop's admin API refused {username}: {answer['message']}")
    return visit


async def orders(visit: Visit) -> list[ShopOrder]:
    """Every order that was placed."""
    return [_order(item) for item in await _all(visit, ORDERS) if item["orderPlacedAt"]]


async def offered(visit: Visit) -> dict[str, Decimal]:
    """What the shop still sells, by SKU: on hand minus allocated, over its locations."""
    return {
        item["sku"]: Decimal(
            sum(level["stockOnHand"] - level["stockAllocated"] for level in item["stockLevels"])
        )
        for item in await _all(visit, STOCK)
    }


async def _all(visit: Visit, query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        page = await visit.expect(query, skip=len(found), take=PAGE)
        found += page["items"]
        if not page["items"] or len(found) >= page["totalItems"]:
            return found


def _order(item: dict[str, Any]) -> ShopOrder:
    quantities: dict[str, Decimal] = defaultdict(Decimal)
    for line in item["lines"]:
        quantities[line["productVariant"]["sku"]] += line["quantity"]
    settled = [p["amount"] for p in item["payments"] if p["state"] == "Settled"]
    return ShopOrder(
        code=item["code"],
        email=(item["customer"] or {}).get("emailAddress") or "",
        total=_money(item["totalWithTax"]),
        tax=_money(item["totalWithTax"] - item["total"]),
        quantities=dict(quantities),
        paid=_money(sum(settled)),
    )


def _money(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)
