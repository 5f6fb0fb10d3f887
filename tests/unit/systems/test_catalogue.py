"""The catalogue that both reference systems are seeded from is as awkward as real ones are."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

SYSTEMS = Path(__file__).parents[3] / "systems"
CATALOGUE = json.loads((SYSTEMS / "catalogue.json").read_text(encoding="utf-8"))
PRODUCTS: list[dict[str, Any]] = CATALOGUE["products"]
VARIANTS: list[dict[str, Any]] = [v for product in PRODUCTS for v in product["variants"]]


def check_digit(body: str) -> str:
    """Give the last digit of a GTIN-13 that begins with *body*."""
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(body))
    return str(-total % 10)


def test_there_are_enough_goods_under_two_tax_rates() -> None:
    """At least 60 SKUs, no SKU twice, and both rates are used."""
    skus = [variant["sku"] for variant in VARIANTS]

    assert len(set(skus)) == len(skus) >= 60
    assert {product["tax"] for product in PRODUCTS} == {tax["code"] for tax in CATALOGUE["taxes"]}


def test_barcodes_are_valid_and_unique() -> None:
    """Each variant has a GTIN-13 of its own with a right check digit."""
    codes = [variant["gtin"] for variant in VARIANTS]

    assert len(set(codes)) == len(codes)
    assert all(len(code) == 13 and code[12] == check_digit(code[:12]) for code in codes)


def test_some_prices_have_no_exact_net_in_cents() -> None:
    """Prices include those at which net and tax both end in half a cent, the hardest case."""
    rates = {tax["code"]: Decimal(tax["rate"]) for tax in CATALOGUE["taxes"]}
    net_cents = {
        (product["tax"], variant["gross"]): Decimal(variant["gross"])
        * 100
        / (1 + rates[product["tax"]])
        for product in PRODUCTS
        for variant in product["variants"]
    }

    assert net_cents["TVA20", "0.99"] % 1 == Decimal("0.5")
    assert ("TVA55", "19.99") in net_cents


def test_names_are_not_plain_ascii() -> None:
    """Accents and an emoji travel too."""
    names = "".join(product["name"]["fr"] for product in PRODUCTS)

    assert "œ" in names.lower()
    assert any(ord(letter) > 0xFFFF for letter in names)


def test_every_shelf_has_stock_and_a_few_goods_are_wanted_by_many() -> None:
    """Stock lies in both locations; popular SKUs have little enough of it to run short."""
    popular = [variant for variant in VARIANTS if variant.get("popular")]

    assert all(set(variant["stock"]) == set(CATALOGUE["locations"]) for variant in VARIANTS)
    assert all(quantity > 0 for variant in VARIANTS for quantity in variant["stock"].values())
    assert 3 <= len(popular) <= 8
    assert max(sum(variant["stock"].values()) for variant in popular) <= 100


def test_the_shops_lock_names_no_registry() -> None:
    """Packages are locked by content; where they come from is the reader's own setting."""
    packages = json.loads((SYSTEMS / "vendure" / "package-lock.json").read_text())["packages"]

    assert not [name for name, package in packages.items() if "resolved" in package]
    assert [name for name, package in packages.items() if name and "integrity" not in package] == []
