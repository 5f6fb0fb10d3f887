"""A move as it is kept, between the bytes of a table and the fold that reads it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Self

from streams.stock.facts import DELETED, Move
from streams.stock.quantity import ZERO, text

PLANNED = frozenset({"draft", "staging", "assigned"})


@dataclass(frozen=True, slots=True)
class Kept:
    """
    A move as it is kept.

    *at* is None while the move is only known from its steps; *steps* are the moves made for it,
    *line* is the sale line for which it takes goods out of storage.
    """

    at: list[int] | None = None
    start: int = 0
    end: int = 0
    quantity: Decimal = ZERO
    state: str = DELETED
    sale_line: int | None = None
    step_of: int | None = None
    steps: tuple[int, ...] = ()
    line: int | None = None

    @classmethod
    def read(cls, kept: Mapping[str, Any] | None) -> Self:
        """Read back what `written` gave."""
        if kept is None:
            return cls()
        texts = {"quantity": Decimal(kept["quantity"]), "steps": tuple(kept["steps"])}
        return cls(**{**kept, **texts})

    def written(self) -> dict[str, Any]:
        """Give the form to keep."""
        return {
            "at": self.at,
            "start": self.start,
            "end": self.end,
            "quantity": text(self.quantity),
            "state": self.state,
            "sale_line": self.sale_line,
            "step_of": self.step_of,
            "steps": list(self.steps),
            "line": self.line,
        }

    def becomes(self, move: Move) -> Self:
        """Take over the newest state; what hangs on the move stays."""
        return replace(
            self,
            at=move.at.as_json(),
            start=move.from_location,
            end=move.to_location,
            quantity=move.quantity,
            state=move.state,
            sale_line=move.sale_line,
            step_of=move.step_of,
        )

    def with_step(self, number: int) -> Self:
        """Note a move that was made for this one."""
        return replace(self, steps=tuple(sorted({*self.steps, number})))

    def without_step(self, number: int) -> Self:
        """Forget a move that was made for this one."""
        return replace(self, steps=tuple(step for step in self.steps if step != number))

    @property
    def planned(self) -> bool:
        """Whether it is still to be done."""
        return self.state in PLANNED
