"""Shop ``product_variant`` rows in, what a variant id stands for out: its SKU."""

from typing import TypedDict

from streams.change_event import Row


class VariantReference(TypedDict):
    """A sellable variant: value of ``ref.vendure.variant``, whose key is the variant's id."""

    sku: str
    deleted: bool


def variant(row: Row) -> VariantReference:
    """Map one row; a deleted variant keeps its SKU, because old orders still name it."""
    return {
        "sku": row.text("sku").strip(),
        "deleted": row.moment_or_none("deletedAt") is not None,
    }
