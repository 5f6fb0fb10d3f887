"""
In: an ERP database with its modules, and the catalogue. Out: a French shop's ERP, and its ids as JSON.

Run by the ERP's own interpreter, which has Tryton and proteus:
    TRYTOND_DATABASE__URI=postgresql://…/ python seed.py --database erp --catalogue … --ids …
Passwords and keys are generated here; the ids file holds them, so it is private.
"""

import argparse
import datetime as dt
import json
import os
import secrets
from decimal import Decimal
from pathlib import Path

from access import restricted_group
from proteus import Model, config
from trytond.modules.account.tests.tools import (
    create_chart,
    create_fiscalyear,
    create_tax,
    get_accounts,
)
from trytond.modules.account_invoice.tests.tools import set_fiscalyear_invoice_sequences
from trytond.modules.company.tests.tools import create_company, get_company
from trytond.modules.currency.tests.tools import get_currency

YEARS = range(2024, 2036)  # Far ahead: a dump that is restored next year must still post invoices.
# Vendure computes a line's tax as gross minus net. Per-line rounding in the ERP comes to the same
# line total, unless net and tax both end in exactly half a cent (12.99 never, 0.99 at 20 % does):
# those orders need the ROUND product. Rounding per document would be off more often and by more.
TAX_ROUNDING = "line"
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
    products = {
        product.code: product
        for item in catalogue["products"]
        for product in goods(item, unit, categories[item["tax"]], rates(catalogue), item["tax"])
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
        "price_digits": 8,
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


def books(company, rates_wanted):
    """Open the books: accounts, years to post in, and the taxes of the catalogue."""
    create_chart(company)
    accounts = get_accounts(company)
    for year in YEARS:
        span = (dt.date(year, 1, 1), dt.date(year, 12, 31))
        fiscal_year = set_fiscalyear_invoice_sequences(create_fiscalyear(company, today=span))
        fiscal_year.click("create_period")
    configuration = Model.get("account.configuration")(1)
    configuration.tax_rounding = TAX_ROUNDING
    configuration.save()
    taxes = {}
    for wanted in rates_wanted:
        tax = create_tax(Decimal(wanted["rate"]))
        tax.name = tax.description = wanted["name"]
        tax.save()
        taxes[wanted["code"]] = tax
    return accounts, taxes


def payment_terms():
    """Web orders are due at once, trade customers pay in 30 days."""
    terms = {}
    for key, name, days in (("immediate", "Comptant", 0), ("30days", "30 jours", 30)):
        term = Model.get("account.invoice.payment_term")(name=name)
        delta = term.lines.new(type="remainder").relativedeltas.new()
        delta.days = days
        term.save()
        terms[key] = term
    return terms


def payment_journals(accounts):
    """One journal per payment method of the shop; a clearing account pays the invoice (flow 10)."""
    Account = Model.get("account.account")
    clearing = Account(name="Encaissements web à rapprocher", reconcile=True)
    clearing.parent, clearing.type = accounts["cash"].parent, accounts["cash"].type
    clearing.save()
    (journal,) = Model.get("account.journal").find([("code", "=", "EXP")])
    return {
        method: saved(
            "account.payment.journal",
            name=name,
            process_method="manual",
            clearing_account=clearing,
            clearing_journal=journal,
        )
        for method, name in (("card", "Carte bancaire (web)"), ("transfer", "Virement (web)"))
    }


def price_lists():
    """Public prices, and ten per cent off for good customers."""
    lists = {}
    for key, name, formula in (
        ("public", "Public", "unit_price"),
        ("vip", "Fidélité", "unit_price * 0.9"),
    ):
        price_list = Model.get("product.price_list")(name=name)
        price_list.price, price_list.unit = "list_price", "product_default"
        price_list.lines.new(formula=formula)
        price_list.save()
        lists[key] = price_list
    return lists


def accounting_category(accounts, tax):
    """Tell which accounts and which tax a product's lines get by default."""
    name = f"Ventes {tax.name}" if tax else "Ventes sans TVA"
    category = Model.get("product.category")(name=name, accounting=True)
    category.account_expense, category.account_revenue = accounts["expense"], accounts["revenue"]
    if tax:
        category.customer_taxes.append(tax)
    category.save()
    return category


def rates(catalogue):
    """Map tax code to rate."""
    return {tax["code"]: Decimal(tax["rate"]) for tax in catalogue["taxes"]}


def net_price(gross, rate):
    """Take the tax out of a public price; eight digits, so that putting it in again is exact."""
    return (Decimal(gross) / (1 + rate)).quantize(Decimal("1e-8"))


def goods(item, unit, category, rate_of, tax):
    """Make one product of the catalogue with its variants, and give the variants."""
    template = Model.get("product.template")(name=item["name"]["fr"], code=item["code"])
    template.default_uom, template.type, template.account_category = unit, "goods", category
    template.salable = template.purchasable = True
    template.cost_price_method = "average"
    template.lead_time = dt.timedelta(0)
    first, *others = prices = [net_price(v["gross"], rate_of[tax]) for v in item["variants"]]
    template.list_price = first
    for number, (variant, price) in enumerate(zip(item["variants"], prices, strict=True)):
        product = template.products.new() if number else template.products[0]
        product.suffix_code = variant["sku"].removeprefix(item["code"])
        if others and price != first:
            product.list_price = price
        product.cost_price = (price / 2).quantize(Decimal("0.01"))
        product.identifiers.new(type="ean", code=variant["gtin"])
    template.save()
    return list(template.products)


def service(code, name, unit, category):
    """Make a product that stands on order lines and lies on no shelf."""
    return saved(
        "product.template",
        name=name,
        code=code,
        default_uom=unit,
        type="service",
        salable=True,
        list_price=Decimal(0),
        account_category=category,
    )


def buys_from(products, currency, term, country):
    """One supplier delivers every product within a week, at its cost price."""
    supplier = Model.get("party.party")(name="Grossiste de l’Ouest", supplier_payment_term=term)
    (address,) = supplier.addresses
    address.street_unstructured, address.postal_code = "1 quai de la Fosse", "44000"
    address.city, address.country = "Nantes", country
    supplier.save()
    for product in products:
        offer = Model.get("purchase.product_supplier")(party=supplier, template=product.template)
        offer.product, offer.currency, offer.code = product, currency, f"GO-{product.code}"
        offer.lead_time = dt.timedelta(days=7)
        offer.prices.new(quantity=0, unit_price=product.cost_price)
        offer.save()
    return supplier


def location_of_type(kind):
    """Give the one location of *kind* that every Tryton database starts with."""
    (location,) = Model.get("stock.location").find([("type", "=", kind)], limit=1)
    return location


def shelves(codes):
    """Name the warehouse, and put shelves into its storage zone."""
    warehouse = location_of_type("warehouse")
    warehouse.name, warehouse.code = "Entrepôt", "WH"
    warehouse.save()
    names = {"RAY-A": "Rayon A", "RESERVE": "Réserve"}
    locations = {
        code: saved(
            "stock.location",
            name=names.get(code, code),
            code=code,
            type="storage",
            parent=warehouse.storage_location,
        )
        for code in codes
    }
    return warehouse, locations


def count_stock(catalogue, products, locations):
    """Put the catalogue's initial stock on its shelves, by one inventory per shelf."""
    for code, location in locations.items():
        inventory = Model.get("stock.inventory")(location=location)
        for variant in (v for item in catalogue["products"] for v in item["variants"]):
            line = inventory.lines.new(product=products[variant["sku"]])
            line.quantity = variant["stock"][code]
        inventory.click("confirm")


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


def saved(model, **values):
    """Make one record."""
    record = Model.get(model)(**values)
    record.save()
    return record


def again(record):
    """Read *record* anew: proteus lets one instance stand in one list only."""
    return type(record)(record.id)


def ids_of(records):
    """Map each name to its record's id."""
    return {name: record.id for name, record in records.items()}


if __name__ == "__main__":
    main()
