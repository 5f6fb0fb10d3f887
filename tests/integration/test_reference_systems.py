"""The reference systems hold the same goods; their sync users may do what they must, no more."""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

pytestmark = pytest.mark.stack

CATALOGUE = json.loads(
    (Path(__file__).parents[2] / "systems" / "catalogue.json").read_text(encoding="utf-8")
)
CENT = Decimal("0.01")


def catalogue_prices() -> dict[str, Decimal]:
    """Map each SKU of the catalogue to its public price."""
    return {
        variant["sku"]: Decimal(variant["gross"])
        for product in CATALOGUE["products"]
        for variant in product["variants"]
    }


@dataclass(frozen=True)
class Erp:
    """The ERP's REST protocol, as one user."""

    http: httpx.Client

    def call(self, method: str, path: str, body: Any = None, **params: Any) -> httpx.Response:
        return self.http.request(method, f"rest/model/{path}", json=body, params=params)

    def search(self, model: str, domain: Any, *fields: str) -> list[dict[str, Any]]:
        answer = self.call("GET", model, d=encoded(domain), f=list(fields)).raise_for_status()
        found: list[dict[str, Any]] = answer.json()
        return found


@dataclass(frozen=True)
class Shop:
    """One of the shop's GraphQL APIs, as one user."""

    http: httpx.Client

    def __call__(self, query: str, **variables: Any) -> dict[str, Any]:
        answer = self.http.post("", json={"query": query, "variables": variables})
        if token := answer.headers.get("vendure-auth-token"):
            self.http.headers["Authorization"] = f"Bearer {token}"
        body: dict[str, Any] = answer.json()
        return body

    def data(self, query: str, **variables: Any) -> Any:
        body = self(query, **variables)
        assert "errors" not in body, body["errors"]
        return body["data"]

    def login(self, username: str, password: str) -> None:
        self.data(
            "mutation($u:String!,$p:String!){login(username:$u,password:$p){__typename}}",
            u=username,
            p=password,
        )


def encoded(value: Any) -> str:
    """Give the form in which Tryton takes JSON in a URL or a header."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


def number(value: Mapping[str, Any]) -> Decimal:
    """Read one of Tryton's decimals."""
    return Decimal(value["decimal"])


def refused(answer: httpx.Response) -> bool:
    """Say whether the ERP refused for lack of rights, not for some other fault."""
    return answer.status_code == 403 or (
        answer.status_code == 400 and "not allowed" in answer.json()["message"]
    )


@pytest.fixture(scope="module")
def erp(stack: Mapping[str, Any]) -> Iterator[Erp]:
    """The ERP, as Syncline's own user."""
    there = stack["endpoints"]["erp"]
    headers = {
        "Authorization": f"Bearer {there['sync']['api_key']}",
        "X-Tryton-Context": encoded({"company": 1, "_skip_warnings": True}),
    }
    base = f"{there['url']}/{there['database']}/"
    with httpx.Client(base_url=base, headers=headers, timeout=30) as http:
        yield Erp(http)


@pytest.fixture(scope="module")
def shop(stack: Mapping[str, Any]) -> Iterator[Shop]:
    """The shop's Admin API, as Syncline's own administrator."""
    there = stack["endpoints"]["shop"]
    headers = {"vendure-api-key": there["sync"]["api_key"]}
    with httpx.Client(base_url=there["admin_api"], headers=headers, timeout=30) as http:
        yield Shop(http)


@pytest.fixture
def owner(stack: Mapping[str, Any]) -> Iterator[Shop]:
    """The shop's Admin API, as its owner."""
    there = stack["endpoints"]["shop"]
    with httpx.Client(base_url=there["admin_api"], timeout=30) as http:
        admin = Shop(http)
        admin.login(there["username"], there["password"])
        yield admin


@pytest.fixture
def buyer(stack: Mapping[str, Any]) -> Iterator[Shop]:
    """The shop's Shop API, as somebody who just came in."""
    with httpx.Client(base_url=stack["endpoints"]["shop"]["shop_api"], timeout=30) as http:
        yield Shop(http)


def test_the_shop_sells_the_catalogue_at_its_prices(shop: Shop) -> None:
    """Each SKU of the catalogue is in the shop, to the cent and tax included."""
    found = shop.data("{productVariants(options:{take:1000}){items{sku priceWithTax}}}")

    assert {
        item["sku"]: Decimal(item["priceWithTax"]) * CENT
        for item in found["productVariants"]["items"]
    } == catalogue_prices()


def test_the_erp_sells_the_catalogue_at_the_same_prices(erp: Erp) -> None:
    """The ERP keeps net prices; with the tax they come to the shop's, to the cent."""
    rates = {
        variant["sku"]: Decimal(tax["rate"])
        for tax in CATALOGUE["taxes"]
        for product in CATALOGUE["products"]
        if product["tax"] == tax["code"]
        for variant in product["variants"]
    }
    found = erp.search("product.product", [["type", "=", "goods"]], "code", "list_price_used")

    assert {
        item["code"]: (number(item["list_price_used"]) * (1 + rates[item["code"]])).quantize(CENT)
        for item in found
    } == catalogue_prices()


def test_the_erp_keeps_stock_on_two_shelves_of_one_warehouse(erp: Erp) -> None:
    """What can be sold is the sum over the storage zone of the warehouse WH."""
    found = erp.search(
        "stock.location", [["code", "in", CATALOGUE["locations"]]], "code", "parent.id"
    )
    (warehouse,) = erp.search("stock.location", [["code", "=", "WH"]], "storage_location.id")
    zone = warehouse["storage_location"]["id"]

    assert sorted(shelf["code"] for shelf in found) == sorted(CATALOGUE["locations"])
    assert {shelf["parent"]["id"] for shelf in found} == {zone}


def test_an_external_id_is_taken_once(erp: Erp) -> None:
    """A create that is repeated after an unknown outcome makes no second record (Invariant 4)."""
    party = {"name": "Twice", "external_id": f"test:{uuid4()}"}
    first = erp.call("POST", "party.party", party)
    second = erp.call("POST", "party.party", party)

    assert first.status_code == 200
    assert (second.status_code, second.json()["message"]) == (
        400,
        "The external ID must be unique.",
    )


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("DELETE", "party.party/1", None),
        ("PUT", "product.template/1", {"name": "Mine"}),
        ("POST", "product.list_price", {"template": 1, "company": 1}),
        ("POST", "product.price_list", {"name": "Mine"}),
        ("POST", "stock.inventory", {"location": 1}),
        ("PUT", "stock.move/1", {"quantity": 1.0}),
        ("GET", "account.move.line", None),
        ("GET", "ir.session", None),
        ("POST", "res.user", {"name": "Mine", "login": "mine"}),
        ("POST", "ir.model.access", {"model": "res.user", "perm_read": True}),
    ],
)
def test_the_erp_refuses_its_sync_user_what_it_need_not_do(
    erp: Erp, method: str, path: str, body: Any
) -> None:
    """The rights are those of the flows: no deleting, no prices, no stock, no users."""
    assert refused(erp.call(method, path, body))


def test_the_erp_shows_its_sync_user_no_key_but_its_own(erp: Erp, stack: Mapping[str, Any]) -> None:
    """REST keys lie in the ERP's database in clear; other users' stay unseen."""
    found = erp.search("res.user.application", [], "key")

    assert [row["key"] for row in found] == [stack["endpoints"]["erp"]["sync"]["api_key"]]


@pytest.mark.parametrize(
    "query",
    [
        "{administrators{totalItems}}",
        "{apiKeys{totalItems}}",
        "{promotions{totalItems}}",
        "{paymentMethods{totalItems}}",
        'mutation{deleteProduct(id:"1"){result}}',
        'mutation{deleteCustomer(id:"1"){result}}',
        "mutation{updateGlobalSettings(input:{trackInventory:false}){__typename}}",
    ],
)
def test_the_shop_refuses_its_sync_administrator_what_it_need_not_do(
    shop: Shop, query: str
) -> None:
    """The role is that of the sinks: no administrators, no settings, no deleting."""
    (error,) = shop(query)["errors"]

    assert error["extensions"]["code"] == "FORBIDDEN"


def test_a_customer_of_a_group_sees_the_price_of_the_group(owner: Shop, buyer: Shop) -> None:
    """The plugin for price lists shows the group's price to its members, and to nobody else."""
    email = f"{uuid4().hex}@example.com"
    buyer.data(
        "mutation($i:RegisterCustomerInput!){registerCustomerAccount(input:$i){__typename}}",
        i={"emailAddress": email, "password": "a long password"},
    )
    find = "query($e:String!){customers(options:{filter:{emailAddress:{eq:$e}}}){items{id}}}"
    (customer,) = owner.data(find, e=email)["customers"]["items"]
    group = owner.data(
        "mutation($i:CreateCustomerGroupInput!){createCustomerGroup(input:$i){id}}",
        i={"name": email, "customerIds": [customer["id"]]},
    )["createCustomerGroup"]
    (product,) = buyer.data("{products(options:{take:1}){items{id}}}")["products"]["items"]
    see = "query($p:ID!){product(id:$p){variants{id priceWithTax}}}"
    before = buyer.data(see, p=product["id"])["product"]["variants"][0]

    price = {"variantId": before["id"], "customerGroupId": group["id"]}
    owner.data(
        "mutation($i:[CustomerGroupPriceInput!]!){setCustomerGroupPrices(input:$i)}",
        i=[{**price, "currencyCode": "EUR", "price": before["priceWithTax"] - 5}],
    )
    anonymous = buyer.data(see, p=product["id"])["product"]["variants"][0]
    buyer.login(email, "a long password")
    member = buyer.data(see, p=product["id"])["product"]["variants"][0]

    assert anonymous == before
    assert member["priceWithTax"] == before["priceWithTax"] - 5
