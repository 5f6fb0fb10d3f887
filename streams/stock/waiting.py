"""What a web order wants and what the ERP's moves take in, what it still waits for out."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from streams.stock.quantity import ZERO

Taken = Mapping[
    str, Decimal
]  # by move out of storage, what it takes; a cancelled one takes nothing


def waiting(wanted: Decimal, state: str | None, lines: Sequence[Taken]) -> Decimal:
    """
    How much of *wanted* no move out of storage takes yet.

    *state* is that of the ERP's sale, None while there is no sale; *lines* are the moves of each
    of its lines. An order is let go of move by move, never at its sale: between the two it would
    be subtracted nowhere, and could be sold again. A cancelled sale will have no moves. A done
    one has had all it will have, once each line is known to have had one.
    """
    if state == "cancelled" or (state == "done" and all(lines)):
        return ZERO
    taken = sum((quantity for line in lines for quantity in line.values()), ZERO)
    return max(ZERO, wanted - taken)
