"""Questions and goods in, the ERP's own answers out: Tryton's REST API, as a person uses it."""

import base64
import datetime as dt
import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import httpx

from ops.demo.compare import ErpSale
from ops.errors import OpsError

NOT_GOODS = frozenset({"SHIP", "DISC", "ROUND"})


@dataclass(slots=True)
class Erp:
    """One user's view of the ERP."""

    http: httpx.AsyncClient
    url: str
    database: str
    api_key: str
    _company: int | None = field(default=None)

    async def sales(self) -> list[ErpSale]:
        """Every sale that came from a web shop."""
        fields = (
            "web_id state total_amount tax_amount party.email lines.quantity lines.product.code"
            " payments.amount payments.state"
        )
        rows = await self.search("sale.sale", [["web_id", "!=", None]], fields.split())
        return [_sale(row) for row in rows]

    async def promisable(self, warehouse: str) -> dict[str, Decimal]:
        """What can still be promised, by SKU: on hand minus what is planned to leave."""
        storage = await self._storage(warehouse)
        rows = await self.search(
            "product.product",
            [["type", "=", "goods"], ["code", "!=", None]],
            ["code", "forecast_quantity"],
            context={"locations": [storage], "with_childs": True},
        )
        return {row["code"]: Decimal(str(row["forecast_quantity"])) for row in rows}

    async def receive(self, warehouse: str, quantities: Mapping[str, int]) -> None:
        """Take in a delivery from the supplier: two steps, as at the ramp."""
        found = await self.search(
            "stock.location",
            [["code", "=", warehouse], ["type", "=", "warehouse"]],
            ["input_location.id", "storage_location.id"],
        )
        house = found[0]
        (outside, *_) = await self.search("stock.location", [["type", "=", "supplier"]], ["id"])
        (supplier, *_) = await self.search(
            "purchase.product_supplier", [], ["party.id", "currency.id"], limit=1
        )
        goods = await self.search(
            "product.product",
            [["code", "in", list(quantities)]],
            ["code", "default_uom.id", "cost_price"],
        )
        moves = [
            {
                "product": product["id"],
                "quantity": float(quantities[product["code"]]),
                "unit": product["default_uom"]["id"],
                "from_location": outside["id"],
                "to_location": house["input_location"]["id"],
                "unit_price": _decimal(product["cost_price"]),
                "currency": supplier["currency"]["id"],
            }
            for product in goods
        ]
        shipment = await self.call(
            "POST",
            "stock.shipment.in",
            {
                "supplier": supplier["party"]["id"],
                "warehouse": house["id"],
                "warehouse_input": house["input_location"]["id"],
                "warehouse_storage": house["storage_location"]["id"],
                "effective_date": _date(dt.datetime.now(dt.UTC).date()),
                "incoming_moves": [["create", moves]],
            },
        )
        for step in ("receive", "do"):
            await self.call("POST", f"stock.shipment.in/{shipment['id']}/{step}", {})

    async def search(
        self,
        model: str,
        domain: list[Any],
        fields: list[str],
        *,
        limit: int = 10_000,
        context: Mapping[str, Any] | None = None,
    ) -> list[dict[str, Any]]:
        """The fields of every record that *domain* describes."""
        found: list[dict[str, Any]] = await self.call(
            "GET", model, params={"d": _base64(domain), "f": fields, "s": limit}, context=context
        )
        return found

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        params: Mapping[str, Any] | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> Any:
        """One request; a refusal ends the demo with the ERP's sentence."""
        if self._company is None and path != "company.company":
            (company,) = await self.search("company.company", [], ["id"])
            self._company = company["id"]
        told = {"_skip_warnings": True, **(context or {})}
        if self._company is not None:
            # An explicit null would empty the user's companies, and the ERP caches that.
            told["company"] = self._company
        response = await self.http.request(
            method,
            f"{self.url}/{self.database}/rest/model/{path}",
            json=body,
            params=params,
            headers={
                "authorization": f"Bearer {self.api_key}",
                "x-tryton-context": _base64(told),
            },
        )
        if response.is_success:
            return response.json(object_hook=_value)
        raise OpsError(f"{method} {path}: the ERP answered {response.status_code}: {response.text}")

    async def _storage(self, warehouse: str) -> int:
        found = await self.search(
            "stock.location",
            [["code", "=", warehouse], ["type", "=", "warehouse"]],
            ["storage_location.id"],
        )
        if not found:
            raise OpsError(f"the ERP has no warehouse with code {warehouse}; see syncline.toml")
        return int(found[0]["storage_location"]["id"])


def _sale(row: dict[str, Any]) -> ErpSale:
    quantities: dict[str, Decimal] = defaultdict(Decimal)
    for line in row["lines"]:
        code = (line.get("product") or {}).get("code")
        if code and code not in NOT_GOODS:
            quantities[code] += Decimal(str(line["quantity"])).normalize()
    return ErpSale(
        web_id=row["web_id"],
        state=row["state"],
        email=(row["party"] or {}).get("email") or "",
        total=row["total_amount"],
        tax=row["tax_amount"],
        quantities=dict(quantities),
        paid=sum((p["amount"] for p in row["payments"] if p["state"] == "succeeded"), Decimal(0)),
    )


def _base64(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


def _date(day: dt.date) -> dict[str, Any]:
    return {"__class__": "date", "year": day.year, "month": day.month, "day": day.day}


def _decimal(amount: Decimal) -> dict[str, str]:
    return {"__class__": "Decimal", "decimal": str(amount)}


def _value(found: dict[str, Any]) -> Any:
    return Decimal(found["decimal"]) if found.get("__class__") == "Decimal" else found
