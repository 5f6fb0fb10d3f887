"""Changes of ``stock_move`` in, moves out."""

from runtime.errors import MappingError
from streams.change_event import ChangeEvent
from streams.stock.facts import DELETED, Move, place_of

TABLE = "stock_move"


def move(event: ChangeEvent) -> Move:
    """
    Map a change of one move; a deleted row is a move that is deleted.

    ``internal_quantity`` is the quantity in the product's default unit, whatever unit the
    document was written in. The ERP keeps it as a binary float; its shortest decimal spelling is
    what was typed.
    """
    row = event.after or event.before
    if row is None or event.table != TABLE:
        raise MappingError(f"{event.table}: expected a row of {TABLE}; check the capture's topics")
    return Move(
        id=row.whole("id"),
        at=event.position,
        from_location=row.whole("from_location"),
        to_location=row.whole("to_location"),
        quantity=row.number("internal_quantity"),
        state=DELETED if event.after is None else row.text("state"),
        origin=row.text_or_none("origin"),
        place=place_of(event),
    )
