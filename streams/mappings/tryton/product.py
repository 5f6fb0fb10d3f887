"""ERP ``product_template`` and ``product_product`` rows in, what a product id stands for out."""

from typing import TypedDict

from streams.change_event import Row


class ProductReference(TypedDict):
    """A product: value of ``ref.tryton.product``, whose key is the product's id."""

    sku: str | None
    active: bool
    type: str | None


def product(row: Row, template: Row | None) -> ProductReference:
    """
    Map one product of a template.

    The product's own code is the SKU: the ERP writes the template's code and the product's
    suffix into it. It is null between the two writes that make a product, and what the template
    says is unknown until its row was read.
    """
    template_active = template is None or template.boolean("active")
    return {
        "sku": row.text_or_none("code"),
        "active": row.boolean("active") and template_active,
        "type": None if template is None else template.text_or_none("type"),
    }
