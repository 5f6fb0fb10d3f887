"""Baskets in, placed orders out: what a buyer's browser does, through Vendure's Shop API."""

from dataclasses import dataclass, field
from typing import Any

import httpx

from ops.demo.plan import Basket, Buyer
from ops.errors import OpsError

PASSWORD = "buyer-password-1"  # noqa: S105 - of made-up people in the local demo
FAILED = "... on ErrorResult { errorCode message }"


@dataclass(frozen=True, slots=True)
class Placed:
    """An order as the shop confirmed it to the buyer."""

    code: str
    total_with_tax: int


@dataclass(slots=True)
class Visit:
    """One browser session in the shop."""

    http: httpx.AsyncClient
    url: str
    _token: str | None = field(default=None)

    async def call(self, query: str, **variables: Any) -> Any:
        """Run one operation and return its only field; an ErrorResult is returned as it is."""
        headers = {"authorization": f"Bearer {self._token}"} if self._token else {}
        response = await self.http.post(
            self.url, json={"query": query, "variables": variables}, headers=headers
        )
        self._token = response.headers.get("vendure-auth-token", self._token)
        answer = response.json()
        if answer.get("errors"):
            raise OpsError(f"the shop refused {query[:60]!r}: {answer['errors'][0]['message']}")
        return next(iter(answer["data"].values()))

    async def expect(self, query: str, **variables: Any) -> Any:
        """Run one operation; an ErrorResult ends the demo with its sentence."""
        answer = await self.call(query, **variables)
        if isinstance(answer, dict) and answer.get("errorCode"):
            raise OpsError(f"the shop refused {query[:60]!r}: {answer['message']}")
        return answer


async def catalogue(http: httpx.AsyncClient, url: str) -> dict[str, str]:
    """Variant ids by SKU, as the Shop API lists them."""
    visit = Visit(http, url)
    found: dict[str, str] = {}
    for skip in range(0, 10_000, 50):
        page = await visit.expect(
            "query($skip: Int!) { products(options: {take: 50, skip: $skip})"
            " { items { variants { id sku } } } }",
            skip=skip,
        )
        if not page["items"]:
            break
        found |= {v["sku"]: v["id"] for product in page["items"] for v in product["variants"]}
    return found


async def place(
    http: httpx.AsyncClient, url: str, basket: Basket, variants: dict[str, str]
) -> Placed | None:
    """Buy *basket*; None when the shop had nothing of it left."""
    visit = Visit(http, url)
    if basket.buyer.registered:
        await _sign_in(visit, basket.buyer)
    filled = [
        await _add(visit, variants[sku], quantity) for sku, quantity in basket.quantities.items()
    ]
    if not any(filled):
        return None
    if not basket.buyer.registered:
        await visit.expect(
            "mutation($i: CreateCustomerInput!) { setCustomerForOrder(input: $i)"
            f" {{ __typename {FAILED} }} }}",
            i=_person(basket.buyer),
        )
    for side in ("Shipping", "Billing"):
        await visit.expect(
            f"mutation($i: CreateAddressInput!) {{ setOrder{side}Address(input: $i)"
            f" {{ __typename {FAILED} }} }}",
            i=_address(basket.buyer),
        )
    methods = await visit.expect("{ eligibleShippingMethods { id } }")
    await visit.expect(
        "mutation($i: [ID!]!) { setOrderShippingMethod(shippingMethodId: $i)"
        f" {{ __typename {FAILED} }} }}",
        i=[methods[0]["id"]],
    )
    await visit.expect(
        'mutation { transitionOrderToState(state: "ArrangingPayment")'
        f" {{ __typename {FAILED} }} }}"
    )
    order = await visit.expect(
        "mutation($i: PaymentInput!) { addPaymentToOrder(input: $i)"
        f" {{ __typename ... on Order {{ code totalWithTax }} {FAILED} }} }}",
        i={"method": basket.payment_method, "metadata": {}},
    )
    return Placed(order["code"], order["totalWithTax"])


async def _sign_in(visit: Visit, buyer: Buyer) -> None:
    await visit.expect(
        "mutation($i: RegisterCustomerInput!) { registerCustomerAccount(input: $i)"
        f" {{ __typename {FAILED} }} }}",
        i={**_person(buyer), "password": PASSWORD},
    )
    await visit.expect(
        "mutation($u: String!, $p: String!) { login(username: $u, password: $p)"
        f" {{ __typename {FAILED} }} }}",
        u=buyer.email,
        p=PASSWORD,
    )


async def _add(visit: Visit, variant: str, quantity: int) -> int:
    """Put up to *quantity* into the cart; return how many there were."""
    answer = await visit.call(
        "mutation($v: ID!, $q: Int!) { addItemToOrder(productVariantId: $v, quantity: $q)"
        f" {{ __typename {FAILED} ... on InsufficientStockError {{ quantityAvailable }} }} }}",
        v=variant,
        q=quantity,
    )
    if answer.get("errorCode") == "INSUFFICIENT_STOCK_ERROR":
        return int(answer["quantityAvailable"])
    if answer.get("errorCode"):
        raise OpsError(f"the shop did not take variant {variant}: {answer['message']}")
    return quantity


def _person(buyer: Buyer) -> dict[str, str]:
    return {
        "emailAddress": buyer.email,
        "firstName": buyer.first_name,
        "lastName": buyer.family_name,
        "phoneNumber": "+33 6 12 34 56 78",
    }


def _address(buyer: Buyer) -> dict[str, str]:
    return {
        "fullName": f"{buyer.first_name} {buyer.family_name}",
        "streetLine1": buyer.street,
        "city": buyer.city,
        "postalCode": buyer.postal_code,
        "countryCode": "FR",
    }
