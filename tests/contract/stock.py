"""Numbers in, canonical stock records out: for every test of the stock sink."""

from datetime import UTC, datetime
from decimal import Decimal

from schemas.records import Stock


def stock(sku: str, available: str, *, web_open: str = "0", position: int = 1_000) -> Stock:
    """What can be promised of *sku*."""
    return {
        "source": {
            "system": "tryton",
            "table": "stock_move",
            "position": position,
            "transaction": "17147",
            "commit_time": datetime(2026, 11, 24, 8, 0, tzinfo=UTC),
        },
        "sku": sku,
        "location": "WH",
        "unit_code": "C62",
        "available": Decimal(available).quantize(Decimal("0.0001")),
        "on_hand": Decimal(available).quantize(Decimal("0.0001")),
        "committed": Decimal("0.0000"),
        "web_waiting": Decimal("0.0000"),
        "safety_stock": Decimal("0.0000"),
        "web_open": Decimal(web_open).quantize(Decimal("0.0001")),
        "locations": [],
    }
