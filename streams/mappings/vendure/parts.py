"""Rows of an order that cost something in, what they cost out, and whether it adds up."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from runtime.errors import MappingError
from streams.change_event import Row
from streams.mappings.vendure.arithmetic import Priced, currency


@dataclass(frozen=True, slots=True)
class Part:
    """One row that costs something: a line, a surcharge, or a way of shipping."""

    row: Row
    priced: Priced


def part(row: Row) -> Part:
    """Read what one row costs."""
    is_line = row.table == "order_line"
    quantity = row.whole("quantity") if is_line else 1
    spread = max(row.whole("orderPlacedQuantity"), quantity) if is_line else 1
    adjustments = [] if row.table == "surcharge" else _items(row, "adjustments", "amount")
    return Part(
        row,
        Priced(
            list_price=row.whole("listPrice"),
            includes_tax=row.boolean("listPriceIncludesTax"),
            tax_rates=_items(row, "taxLines", "taxRate"),
            adjustments=adjustments,
            quantity=quantity,
            spread_over=spread,
        ),
    )


def _items(row: Row, column: str, name: str) -> list[Any]:
    """Read one number of each object in a JSON list."""
    items = row.json(column)
    try:
        numbers = [item[name] for item in items]
    except (TypeError, KeyError) as error:
        raise MappingError(
            f"{row.table}.{column}: expected a list of objects with {name}, got {items!r:.200}"
        ) from error
    if any(isinstance(number, bool) or not isinstance(number, int | float) for number in numbers):
        raise MappingError(f"{row.table}.{column}: {name}: expected numbers, got {numbers!r:.200}")
    return numbers


def check(root: Row, column: str, parts: Sequence[Part]) -> None:
    """Refuse a sum that differs from the shop's own by a cent (Invariant 8)."""
    for name, cents, how in (
        (column, [part.priced.net() for part in parts], "without tax"),
        (f"{column}WithTax", [part.priced.gross() for part in parts], "with tax"),
    ):
        said = root.whole(name)
        if sum(cents) != said:
            terms = " + ".join(
                f"{currency(amount)} ({part.row.table} {part.row.whole('id')})"
                for part, amount in zip(parts, cents, strict=True)
            )
            raise MappingError(
                f"order {root.text('code')}: {terms or 'no lines'} = {currency(sum(cents))} {how},"
                f" but the shop says {name} = {currency(said)}: a difference of"
                f" {currency(said - sum(cents))}; correct the order in the shop, and it leaves"
            )
