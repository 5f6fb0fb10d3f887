"""Canonical records as types; generated from the .avsc files by ``make schemas``."""

from datetime import datetime
from decimal import Decimal
from typing import Literal, TypedDict


class Source(TypedDict):
    """A place in a source system's log."""

    system: str
    table: str
    position: int
    transaction: str
    commit_time: datetime


class Buyer(TypedDict):
    """A customer, registered or guest."""

    id: str
    name: str
    electronic_mail: str
    telephone: str | None
    registered: bool


class Address(TypedDict):
    """A postal address."""

    name: str
    company: str | None
    street_name: str
    additional_street_name: str | None
    city_name: str
    postal_zone: str
    country_subentity: str | None
    country_code: str
    telephone: str | None


class Allowance(TypedDict):
    """A discount."""

    reason: str
    amount: Decimal


class OrderLine(TypedDict):
    """One line (BG-25)."""

    id: str
    sku: str
    quantity: Decimal
    unit_code: str
    gross_price_amount: Decimal
    net_price_amount: Decimal
    line_extension_amount: Decimal
    tax_percent: Decimal
    tax_amount: Decimal
    tax_inclusive_amount: Decimal
    allowances: list[Allowance]


class Charge(TypedDict):
    """A charge on the whole order (BG-21)."""

    kind: Literal["shipping", "surcharge"]
    reason: str
    amount: Decimal
    tax_percent: Decimal
    tax_amount: Decimal
    tax_inclusive_amount: Decimal


class Payment(TypedDict):
    """One payment."""

    id: str
    method: str
    state: Literal["created", "authorized", "settled", "declined", "error", "cancelled"]
    amount: Decimal
    transaction_id: str | None


class Order(TypedDict):
    """An order as placed in the shop, whole. Key: id. Names follow UBL 2.1 Order and EN 16931 (BT and BG numbers)."""

    source: Source
    id: str
    source_id: str
    status: Literal["placed", "cancelled"]
    issued_at: datetime
    document_currency_code: str
    buyer: Buyer
    billing_address: Address
    delivery_address: Address
    lines: list[OrderLine]
    charges: list[Charge]
    payments: list[Payment]
    line_extension_amount: Decimal
    charge_total_amount: Decimal
    tax_exclusive_amount: Decimal
    tax_amount: Decimal
    tax_inclusive_amount: Decimal


class StockLocation(TypedDict):
    """One location of the storage zone."""

    code: str
    on_hand: Decimal
    committed: Decimal


class Stock(TypedDict):
    """What can be promised of one SKU at one warehouse, and each part of the sum. Key: sku@location. available = on_hand - committed - web_waiting - safety_stock."""

    source: Source
    sku: str
    location: str
    unit_code: str
    available: Decimal
    on_hand: Decimal
    committed: Decimal
    web_waiting: Decimal
    safety_stock: Decimal
    web_open: Decimal
    locations: list[StockLocation]


class LedgerEntry(TypedDict):
    """One write that a target took, or a record that needed none. Key: entity/key."""

    entity: str
    key: str
    target: str
    target_id: str | None
    outcome: Literal["created", "updated", "unchanged", "deleted"]
    attempts: int
    source_system: str
    source_position: int
    committed_at: datetime
    applied_at: datetime
    topic: str
    partition: int
    offset: int
