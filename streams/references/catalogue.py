"""Which reference topics there are, and what their ids stand for: facts only."""

from collections.abc import Mapping
from typing import Any

from schemas import topics
from streams.document import Document
from streams.mappings.tryton.location import location
from streams.mappings.tryton.product import product
from streams.mappings.vendure.customer import customer
from streams.mappings.vendure.variant import variant
from streams.references.publish import Reference

Said = Mapping[int, Mapping[str, Any]]


def variants(document: Document) -> Said:
    """Say the SKU of each variant of a shop product."""
    return {row.whole("id"): variant(row) for row in document.rows.get("product_variant", ())}


def customers(document: Document) -> Said:
    """Say who a shop customer is."""
    return {row.whole("id"): customer(row) for row in document.rows.get("customer", ())}


def products(document: Document) -> Said:
    """Say the SKU of each product of an ERP template."""
    template = document.only("product_template")
    rows = document.rows.get("product_product", ())
    return {row.whole("id"): product(row, template) for row in rows}


def locations(document: Document) -> Said:
    """Say where an ERP location stands."""
    return {row.whole("id"): location(row) for row in document.rows.get("stock_location", ())}


REFERENCES = (
    Reference(
        topics.raw("vendure", "product"),
        topics.reference("vendure", "variant"),
        frozenset({"product_variant"}),
        variants,
    ),
    Reference(
        topics.raw("vendure", "customer"),
        topics.reference("vendure", "customer"),
        frozenset({"customer"}),
        customers,
    ),
    Reference(
        topics.raw("tryton", "product"),
        topics.reference("tryton", "product"),
        frozenset({"product_template", "product_product"}),
        products,
    ),
    Reference(
        topics.raw("tryton", "location"),
        topics.reference("tryton", "location"),
        frozenset({"stock_location"}),
        locations,
    ),
)
