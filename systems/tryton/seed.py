"""
In: an ERP database with its modules, and the catalogue. Out: a French shop's ERP, its ids as JSON.

Run by the ERP's own interpreter, which has Tryton and proteus:
    TRYTOND_DATABASE__URI=postgresql://…/ python seed.py --database erp --catalogue … --ids …
Passwords and keys are generated here; the ids file holds them, so it is private.

SPDX-License-Identifier: GPL-3.0-or-later
"""

import argparse
import json
import os
import secrets
from decimal import Decimal
from pathlib import Path

from access import restricted_group
from books import (
    TAX_ROUNDING,
    accounting_category,
    books,
    payment_journals,
    payment_terms,
    price_lists,
)
from goods import buys_from, count_stock, goods, location_of_type, service, shelves
from proteus import Model, config
from records import again, ids_of, saved
from trytond.modules.company.tests.tools import create_company, get_company
from trytond.modules.currency.tests.tools import get_currency
from trytond.modules.product import price_digits

SERVICES = (
    ("SHIP", "Frais de port", "TVA20"),
    ("DISC", "Remise", "TVA20"),
    ("ROUND", "Arrondi", None),
)
SHOPKEEPER_GROUPS = (
    "Sales",
    "Sales Administrator",
    "Stock",
    "Stock Force Assignment",
    "Purchase",
    "Accounting",
    "Payment",
    "Product Administration",
    "Party Administration",
)


def main():
    """Read the arguments, seed the database, write the ids."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", required=True)
    parser.add_argument("--catalogue", type=Path, required=True)
    parser.add_argument("--ids", type=Path, required=True)
    arguments = parser.parse_args()
    server = os.environ["TRYTOND_DATABASE__URI"].rstrip("/")
    config.set_trytond(f"{server}/{arguments.database}", user="admin")
    catalogue = json.loads(arguments.catalogue.read_text())
    ids = seed(catalogue, arguments.database)
    descriptor = os.open(arguments.ids, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(ids, file, indent=1)


def seed(catalogue, database):
    """Make everything, in the order in which each thing needs the one before."""
    euro = get_currency(catalogue["currency"])
    create_company(party=saved("party.party", name="Maison Syncline SARL"), currency=euro)
    company = get_company()
    countries = {
        country["code"]: saved(
            "country.country",
            name=country["name"],
            code=country["code"],
            code3=country["code3"],
            code_numeric=country["number"],
        )
        for country in catalogue["countries"]
    }
    accounts, taxes = books(company, catalogue["taxes"])
    terms = payment_terms()
    lists = price_lists()
    categories = {code: accounting_category(accounts, tax) for code, tax in taxes.items()}
    categories[None] = accounting_category(accounts, None)
    (unit,) = Model.get("product.uom").find([("symbol", "=", "u")], limit=1)
    rates = {tax["code"]: Decimal(tax["rate"]) for tax in catalogue["taxes"]}
    products = {
        product.code: product
        for item in catalogue["products"]
        for product in goods(item, unit, categories[item["tax"]], rates[item["tax"]])
    }
    services = {
        code: service(code, name, unit, categories[tax]).products[0] for code, name, tax in SERVICES
    }
    supplier = buys_from(products.values(), euro, terms["30days"], countries["FR"])
    warehouse, locations = shelves(catalogue["locations"])
    count_stock(catalogue, products, locations)
    guest = saved("party.party", name="Client web sans compte")
    sale_defaults(lists["public"])
    shop = web_shop(euro, guest, warehouse, lists["public"], products.values())
    return {
        "company": company.id,
        "currency": euro.id,
        "countries": ids_of(countries),
        "taxes": ids_of(taxes),
        "tax_rounding": TAX_ROUNDING,
        "price_digits": price_digits[1],
        "payment_terms": ids_of(terms),
        "price_lists": ids_of(lists),
        "payment_journals": ids_of(payment_journals(accounts)),
        "unit": unit.id,
        "products": {sku: {"id": p.id, "template": p.template.id} for sku, p in products.items()},
        "services": {code: {"id": p.id, "template": p.template.id} for code, p in services.items()},
        "supplier": supplier.id,
        "guest_party": guest.id,
        "warehouse": {"id": warehouse.id, "code": warehouse.code}
        | {
            zone: getattr(warehouse, f"{zone}_location").id
            for zone in ("input", "output", "storage")
        },
        "locations": ids_of(locations),
        "supplier_location": location_of_type("supplier").id,
        "customer_location": location_of_type("customer").id,
        "web_shop": shop.id,
        "sync_user": user("syncline", "Syncline", company, [restricted_group(Model, database)]),
        "shopkeeper": user("shopkeeper", "Camille, à la boutique", company, shopkeeper_groups()),
    }


def sale_defaults(price_list):
    """Invoice and ship when ordered; public prices unless said otherwise."""
    configuration = Model.get("sale.configuration")(1)
    configuration.sale_price_list = price_list
    configuration.sale_invoice_method = configuration.sale_shipment_method = "order"
    configuration.save()


def web_shop(currency, guest, warehouse, price_list, products):
    """The channel that web orders name: unique by shop and web id (Invariant 4)."""
    shop = Model.get("web.shop")(name="Syncline shop", currency=currency, guest_party=guest)
    shop.sale_price_list = price_list
    shop.warehouses.append(again(warehouse))
    shop.products.extend(map(again, products))
    shop.save()
    return shop


def shopkeeper_groups():
    """What a person who runs the shop may do."""
    return Model.get("res.group").find([("name", "in", SHOPKEEPER_GROUPS)])


def user(login, name, company, groups):
    """Make a user with a REST key, and give its secrets."""
    password = secrets.token_urlsafe(24)
    account = Model.get("res.user")(name=name, login=login, password=password)
    account.companies.append(again(company))
    account.company = company
    account.groups.extend(groups)
    account.save()
    key = saved("res.user.application", user=account, application="rest")
    return {"id": account.id, "login": login, "password": password, "api_key": key.key}


if __name__ == "__main__":
    main()
