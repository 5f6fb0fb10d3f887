"""
In: the catalogue. Out: products, who delivers them, the shelves they lie on, their stock.

SPDX-License-Identifier: GPL-3.0-or-later
"""

import datetime as dt
from decimal import Decimal

from proteus import Model
from records import saved


def goods(item, unit, category, rate):
    """Make one product of the catalogue with its variants, and give the variants."""
    template = Model.get("product.template")(name=item["name"]["fr"], code=item["code"])
    template.default_uom, template.type, template.account_category = unit, "goods", category
    template.salable = template.purchasable = True
    template.cost_price_method = "average"
    template.lead_time = dt.timedelta(0)
    first, *others = prices = [net_price(v["gross"], rate) for v in item["variants"]]
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


def net_price(gross, rate):
    """Take the tax out of a public price; eight digits, so that putting it in again is exact."""
    return (Decimal(gross) / (1 + rate)).quantize(Decimal("1e-8"))


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
