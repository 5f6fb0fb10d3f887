"""Locations and products: which are in storage, which SKU each goes by, what a start waits for."""

from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from runtime.errors import ConfigurationError, MappingError
from runtime.settings import Settings
from streams.change_event import Row
from streams.mappings.tryton.location import location
from streams.stock.app import rules, wait_for_warehouses
from streams.stock.catalogue import Catalogue, LiveCatalogue, catalogue
from streams.stock.facts import place, source
from streams.stock.zones import zones
from tests.unit.stock.scene import (
    CUSTOMER,
    ELSEWHERE,
    OUTPUT,
    RESERVE,
    RULES,
    SHELF,
    STORAGE,
    TREE,
    ZONES,
)


def test_a_zone_is_the_storage_location_and_all_below_it() -> None:
    """Input and output stand beside it."""
    assert ZONES.warehouses == {"WH": {STORAGE, SHELF, RESERVE}, "FAR": {ELSEWHERE}}


def test_goods_leave_storage_when_the_zone_ends() -> None:
    """Not when they go from shelf to shelf, and not from output on."""
    assert ZONES.leaves_storage(SHELF, OUTPUT)
    assert ZONES.leaves_storage(SHELF, ELSEWHERE)
    assert not ZONES.leaves_storage(SHELF, RESERVE)
    assert not ZONES.leaves_storage(OUTPUT, CUSTOMER)


def test_a_tree_that_is_half_read_is_no_trap() -> None:
    """A loop ends, a warehouse without storage is left out."""
    tree: dict[str, dict[str, Any]] = {
        "3": {"parent": 9, "type": "storage", "name": "A"},
        "9": {"parent": 3, "type": "storage", "name": "B"},
        "5": {"parent": None, "type": "warehouse", "name": "W", "storage": 3},
        "6": {"parent": None, "type": "warehouse", "code": "X", "storage": None},
    }

    assert zones(tree).warehouses == {"W": {3, 9}}


def test_a_location_row_gives_its_place_in_the_tree() -> None:
    """Of a warehouse, also where its storage begins."""
    row = {
        "id": 5,
        "parent": None,
        "type": "warehouse",
        "code": "",
        "name": "Entrepôt",
        "storage_location": 3,
        "active": True,
    }

    assert location(Row("stock_location", row)) == {
        "parent": None,
        "type": "warehouse",
        "code": None,
        "name": "Entrepôt",
        "storage": 3,
        "active": True,
    }
    with pytest.raises(MappingError, match=r"stock_location\.type: is null"):
        location(Row("stock_location", {**row, "type": None}))


def test_an_active_product_goes_by_the_sku_before_an_archived_one() -> None:
    """Then the oldest; a service goes by none."""
    found = catalogue(
        {
            "3": {"sku": "MUG", "type": "goods", "active": False},
            "20": {"sku": "MUG", "type": "goods", "active": True},
            "9": {"sku": "CUP", "type": "goods", "active": True},
            "10": {"sku": "CUP", "type": None, "active": True},
            "11": {"sku": "SHIP", "type": "service", "active": True},
            "12": {"sku": None, "type": "goods", "active": True},
        },
        TREE,
    )

    assert found.products == {"MUG": "20", "CUP": "9"}
    assert found.skus == {"20": "MUG", "9": "CUP"}


@dataclass(slots=True)
class FakeReference:
    """A topic that is followed, by hand."""

    values: dict[str, Any] = field(default_factory=dict)
    version: int = 0
    checks: int = 0

    def check(self) -> None:
        self.checks += 1

    def put(self, key: str, value: dict[str, Any]) -> None:
        self.values[key] = value
        self.version += 1


def test_the_catalogue_is_made_again_when_a_reference_changes() -> None:
    """And only then; its mark says whether it says anything else."""
    products, locations = FakeReference(), FakeReference()
    live = LiveCatalogue(products, locations)
    first = live()
    products.put("12", {"sku": "MUG", "type": "goods"})
    second = live()
    products.put("12", {"sku": "MUG", "type": "goods", "active": True})
    third = live()

    assert live() is third
    assert second.products == {"MUG": "12"}
    assert first.mark != second.mark == third.mark
    assert products.checks == locations.checks == 4


def test_a_place_is_kept_to_the_microsecond() -> None:
    """As the source said it."""
    kept = {
        "system": "tryton",
        "table": "stock_move",
        "position": 7,
        "transaction": "8",
        "commit_time": 1_795_510_626_296_004,
    }

    assert place(source(kept)) == kept  # type: ignore[arg-type] # a plain dict


def test_a_start_waits_for_the_warehouses_of_the_settings() -> None:
    """They may be captured a little later."""
    found = iter([Catalogue(), Catalogue(), Catalogue(zones=ZONES)])

    wait_for_warehouses(partial(next, found), RULES, sleep=lambda _: None)

    assert not list(found)


def test_a_warehouse_that_the_erp_does_not_have_is_a_sentence() -> None:
    """With the setting, and the codes that there are."""
    moments = iter(range(100))
    with pytest.raises(ConfigurationError, match=r"\[stock.locations\].* name WHX.*are: FAR, WH;"):
        wait_for_warehouses(
            lambda: Catalogue(zones=ZONES),
            rules(Settings(stock={"locations": {"WHX": "Default"}})),  # type: ignore[arg-type]
            seconds=10,
            clock=lambda: next(moments),
            sleep=lambda _: None,
        )


def test_safety_stock_is_read_from_the_settings() -> None:
    """One figure for all, and others by SKU."""
    stock: Any = {"safety": "1", "safety_by_sku": {"MUG": "2.5"}}
    read = rules(Settings(stock=stock))

    assert read.warehouses == ("WH",)
    assert read.kept_back("MUG") == Decimal("2.5")
    assert read.kept_back("CUP") == 1
