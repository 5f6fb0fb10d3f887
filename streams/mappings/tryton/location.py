"""Rows of ``stock_location`` in, what others need to know of a location out."""

from typing import TypedDict

from streams.change_event import Row

TABLE = "stock_location"


class Location(TypedDict):
    """A node of the location tree; *storage* is the root of a warehouse's storage zone."""

    parent: int | None
    type: str
    code: str | None
    name: str
    storage: int | None
    active: bool


def location(row: Row) -> Location:
    """Map one row of ``stock_location``."""
    return Location(
        parent=row.whole_or_none("parent"),
        type=row.text("type"),
        code=row.text_or_none("code"),
        name=row.text("name"),
        storage=row.whole_or_none("storage_location"),
        active=row.boolean("active"),
    )
