"""Facts about one product in, its totals out; several keys of a table changed as one."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Protocol

from streams.stock.facts import DELETED, Fact, Move, Sale, WebOrder, newest
from streams.stock.kept import Kept
from streams.stock.quantity import ZERO, text
from streams.stock.totals import Totals, from_json
from streams.stock.waiting import waiting
from streams.stock.zones import Zones

TOTAL = b"total/"
NEVER: Mapping[str, Any] = {"at": None, "wants": "0", "lines": ()}


class State(Protocol):
    """What is kept by key: a view of a table, or a dict in a test."""

    def get(self, key: bytes, default: Any = None, /) -> Any:
        """Read a value."""
        ...

    def items(self, prefix: bytes = b"", /) -> Iterator[tuple[bytes, Any]]:
        """Iterate the keys that start with *prefix*."""
        ...

    def __setitem__(self, key: bytes, value: Any, /) -> None: ...


class Product:
    """
    One product's facts and totals, over one batch.

    A table promises that a crash leaves a prefix of what was set, no more. So the totals, set
    first, carry a copy of the facts that were changed with them: whoever reads facts looks there
    before it looks at their own keys. Facts and totals thus change together or not at all, and
    a replayed fact is compared with what was really counted (Invariant 4).
    """

    def __init__(self, key: bytes, state: State, zones: Zones) -> None:
        self.key = key
        self.replayed = False  # whether a fact came again that is the newest of its thing
        self._state = state
        self._zones = zones
        self._kept: Mapping[str, Any] | None = state.get(TOTAL + key)
        self._copies: Mapping[str, Any] = {} if self._kept is None else self._kept["copies"]
        self._changes: dict[str, Any] = {}
        self.totals = Totals() if self._kept is None else from_json(self._kept)

    def apply(self, fact: Fact) -> None:
        """Take over *fact*, unless what is known of its thing is as new or newer."""
        match fact:
            case Move():
                self._move(fact)
            case WebOrder():
                self._order(fact)
            case Sale():
                self._sale(fact)

    def look_again(self, limit: int) -> bool:
        """
        Find anew for which sale lines moves take goods out of storage: the zones have changed.

        Changes about *limit* facts at most; False when there may be more to change.
        """
        prefix = self._fact("move/")
        kept = {key[len(prefix) :].decode() for key, _ in self._state.items(prefix)}
        kept |= {name.removeprefix("move/") for name in self._copies if name.startswith("move/")}
        for number in sorted(map(int, kept)):
            if len(self._changes) >= limit:
                return False
            self._take(number)
        return True

    def flush(self) -> None:
        """Set what has changed, in the order that the class promises."""
        now = self.totals.as_json()
        if not self._changes and self._kept == {**now, "copies": self._copies}:
            return
        self._set(self._copies)  # they may stand nowhere else yet, and are about to be replaced
        self._state[TOTAL + self.key] = {**now, "copies": self._changes}
        self._set(self._changes)

    # What each kind of fact does

    def _move(self, move: Move) -> None:
        old = self._read_move(move.id)
        new = old.becomes(move)
        if not self._is_news(move, old.at, same=new == old):
            return
        self._count(old, -1)
        self._count(new, +1)
        self._write_move(move.id, new)
        if old.step_of != new.step_of:
            if old.step_of is not None:
                parent = self._read_move(old.step_of).without_step(move.id)
                self._write_move(old.step_of, parent)
            if new.step_of is not None:
                self._write_move(new.step_of, self._read_move(new.step_of).with_step(move.id))
        for number in self._with_steps(move.id):
            self._take(number)

    def _order(self, order: WebOrder) -> None:
        name = f"order/{order.order}"
        old = self._read(name) or NEVER
        new = {"at": list(order.at), "wants": text(order.quantity)}
        if not self._is_news(order, old["at"], same=new == old):
            return
        self._changes[name] = new
        self.totals.web_open += order.quantity - Decimal(old["wants"])
        self._weigh(order.order)

    def _sale(self, sale: Sale) -> None:
        name = f"sale/{sale.order}"
        old = self._read(name) or NEVER
        new = {"at": list(sale.at), "state": sale.state, "lines": list(sale.lines)}
        if not self._is_news(sale, old["at"], same=new == old):
            return
        self._changes[name] = new
        for number in old["lines"]:
            line = self._read_line(number)
            if number not in sale.lines and line["order"] == sale.order:
                self._changes[f"line/{number}"] = {**line, "order": None}
        for number in sale.lines:
            self._changes[f"line/{number}"] = {**self._read_line(number), "order": sale.order}
        self._weigh(sale.order)

    def _is_news(self, fact: Fact, held: list[int] | None, *, same: bool) -> bool:
        if same:
            self.replayed = True
            return False
        if held is not None and not fact.supersedes(held):
            return False
        self.totals.place = newest(self.totals.place, fact.place)
        return True

    def _count(self, move: Kept, sign: int) -> None:
        if move.state == "done":
            self.totals.carry(move.start, move.end, sign * move.quantity)
        elif move.planned:
            self.totals.plan(move.start, move.end, sign * move.quantity)

    # How moves and web orders hang together

    def _with_steps(self, number: int) -> list[int]:
        """Move *number*, and all that were made for it, directly or not."""
        found: list[int] = []
        ahead = [number]
        while ahead:
            here = ahead.pop()
            if here not in found:
                found.append(here)
                ahead.extend(self._read_move(here).steps)
        return found

    def _take(self, number: int) -> None:
        """Note for which sale line move *number* takes goods out of storage, and how many."""
        move = self._read_move(number)
        line = self._line_of(move)
        if move.line != line:
            self._write_move(number, replace(move, line=line))
            if move.line is not None:
                self._change_line(move.line, number, None)
        if line is not None:
            self._change_line(line, number, ZERO if move.state == "cancelled" else move.quantity)

    def _line_of(self, move: Kept) -> int | None:
        if move.state == DELETED or not self._zones.leaves_storage(move.start, move.end):
            return None
        seen: set[int] = set()
        while move.sale_line is None and move.step_of is not None and move.step_of not in seen:
            seen.add(move.step_of)
            move = self._read_move(move.step_of)
        return move.sale_line

    def _change_line(self, number: int, move: int, takes: Decimal | None) -> None:
        line = self._read_line(number)
        moves = {name: taken for name, taken in line["moves"].items() if name != str(move)}
        if takes is not None:
            moves[str(move)] = text(takes)
        if moves != line["moves"]:
            self._changes[f"line/{number}"] = {**line, "moves": moves}
            if line["order"] is not None:
                self._weigh(line["order"])

    def _weigh(self, order: str) -> None:
        wanted = self._read(f"order/{order}") or NEVER
        sale = self._read(f"sale/{order}") or {**NEVER, "state": None}
        lines = [
            {move: Decimal(takes) for move, takes in self._read_line(number)["moves"].items()}
            for number in sale["lines"]
        ]
        self.totals.wait(order, waiting(Decimal(wanted["wants"]), sale["state"], lines))

    # Names and values

    def _read_move(self, number: int) -> Kept:
        return Kept.read(self._read(f"move/{number}"))

    def _write_move(self, number: int, move: Kept) -> None:
        self._changes[f"move/{number}"] = move.written()

    def _read_line(self, number: int) -> dict[str, Any]:
        line: dict[str, Any] = self._read(f"line/{number}") or {"order": None, "moves": {}}
        return line

    def _read(self, name: str) -> Any:
        if name in self._changes:
            return self._changes[name]
        if name in self._copies:
            return self._copies[name]
        return self._state.get(self._fact(name))

    def _set(self, facts: Mapping[str, Any]) -> None:
        for name, value in facts.items():
            self._state[self._fact(name)] = value

    def _fact(self, name: str) -> bytes:
        return b"fact/%b/%b" % (self.key, name.encode())
