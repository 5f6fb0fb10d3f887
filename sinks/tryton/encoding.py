"""Python values in, Tryton's JSON out, and back: decimals and dates carry their class."""

import base64
import datetime as dt
import html
import json
import re
from decimal import Decimal
from typing import Any

import httpx


def dumps(value: Any) -> bytes:
    """Write *value* as Tryton reads it."""
    return json.dumps(value, default=_tagged).encode()


def loads(data: bytes) -> Any:
    """Read what Tryton wrote."""
    return json.loads(data, object_hook=_untagged)


def base64url(value: Any) -> str:
    """Write *value* for a header or a query parameter."""
    return base64.urlsafe_b64encode(dumps(value)).decode()


def sentence(response: httpx.Response) -> str:
    """What Tryton says went wrong: the message of its JSON, or the paragraph of its HTML."""
    try:
        answer = response.json()
    except ValueError:
        paragraphs = re.findall(r"<p>(.*?)</p>", response.text, flags=re.DOTALL)
        return html.unescape(" ".join(paragraphs or [response.text]))[:300].strip()
    if isinstance(answer, dict) and answer.get("message"):
        return " ".join(filter(None, (str(answer["message"]), answer.get("description"))))
    return str(answer)[:300]


def _tagged(value: Any) -> Any:
    if isinstance(value, Decimal):
        return {"__class__": "Decimal", "decimal": str(value)}
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return {"__class__": "date", "year": value.year, "month": value.month, "day": value.day}
    raise TypeError(f"{type(value).__name__} is not a value that Tryton takes")


def _untagged(value: dict[str, Any]) -> Any:
    match value.get("__class__"):
        case "Decimal":
            return Decimal(value["decimal"])
        case "date":
            return dt.date(value["year"], value["month"], value["day"])
    return value
