"""The ERP's location tree in, the storage zone of each warehouse out."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Tree = Mapping[str, Mapping[str, Any]]  # location id → parent, type, code, name, storage


@dataclass(frozen=True, slots=True)
class Zones:
    """
    Which locations are in which warehouse's storage, and what they are called.

    A zone is the warehouse's storage location and everything below it. What comes in or is
    packed to go out stands beside the zone, so picking is when goods leave it.
    """

    warehouses: Mapping[str, frozenset[int]] = field(default_factory=dict)
    names: Mapping[int, str] = field(default_factory=dict)

    def leaves_storage(self, start: int, end: int) -> bool:
        """Whether going from *start* to *end* takes goods out of a storage zone."""
        return any(start in zone and end not in zone for zone in self.warehouses.values())

    def spelling(self) -> str:
        """Equal zones, equal text; the names do not matter to it."""
        zones = sorted((code, sorted(zone)) for code, zone in self.warehouses.items())
        return repr(zones)


def zones(tree: Tree) -> Zones:
    """
    Find the zones in *tree*.

    A warehouse whose storage is not known yet is left out: it has no stock to speak of.
    """
    children: defaultdict[int | None, list[int]] = defaultdict(list)
    for number, location in tree.items():
        children[location.get("parent")].append(int(number))
    warehouses = {
        _name(number, warehouse): frozenset(_subtree(storage, children))
        for number, warehouse in tree.items()
        if warehouse.get("type") == "warehouse" and (storage := warehouse.get("storage"))
    }
    return Zones(
        warehouses, {int(number): _name(number, location) for number, location in tree.items()}
    )


def _subtree(root: int, children: Mapping[int | None, Iterable[int]]) -> set[int]:
    found: set[int] = set()
    ahead = [root]
    while ahead:
        here = ahead.pop()
        if here not in found:  # a tree that is half read may have a loop
            found.add(here)
            ahead.extend(children.get(here, ()))
    return found


def _name(number: str, location: Mapping[str, Any]) -> str:
    return str(location.get("code") or location.get("name") or number)
