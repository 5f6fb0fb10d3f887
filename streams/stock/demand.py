"""What a web order wants of a product, and the ERP's sale of it: to ``state.demand`` and back."""

from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from runtime.errors import MappingError
from streams.stock.facts import Sale, WebOrder
from streams.stock.quantity import text


def encode(demand: WebOrder | Sale) -> bytes:
    """Write one."""
    common: dict[str, Any] = {"order": demand.order, "position": demand.at, "place": demand.place}
    said: dict[str, Any]
    match demand:
        case WebOrder():
            said = {"kind": "order", "quantity": text(demand.quantity)}
        case Sale():
            said = {"kind": "sale", "state": demand.state, "lines": demand.lines}
    return orjson.dumps({**said, **common})


def decode(value: bytes) -> WebOrder | Sale:
    """
    Read one.

    Raises MappingError with what is wrong with it.
    """
    try:
        said = orjson.loads(value)
        order, at, place = said["order"], tuple(said["position"]), said["place"]
        match said["kind"]:
            case "order":
                return WebOrder(order, at, Decimal(said["quantity"]), place)
            case "sale":
                return Sale(order, at, said["state"], tuple(said["lines"]), place)
            case kind:
                raise MappingError(f"state.demand: kind: expected order or sale, got {kind!r}")
    except (orjson.JSONDecodeError, KeyError, TypeError, InvalidOperation) as error:
        raise MappingError(f"state.demand: not a demand: {error!r}: {value[:80]!r}") from error
