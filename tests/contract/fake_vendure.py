"""GraphQL requests in, the answers of a very small Vendure out: enough of it for the stock sink."""

import json
from dataclasses import dataclass, field
from typing import Any

import httpx


def known_levels() -> dict[str, dict[str, int]]:
    """SKU to what the shop holds of it at its one location."""
    return {sku: {"on_hand": 0, "allocated": 0} for sku in ("MUG-CHAT", "LAM-ETAIN", "VER-VIN")}


@dataclass(slots=True)
class FakeVendure:
    """A handler for httpx.MockTransport."""

    levels: dict[str, dict[str, int]] = field(default_factory=known_levels)
    token: str = "t1"  # noqa: S105 - nobody's secret
    calls: list[str] = field(default_factory=list)
    writes: list[list[str]] = field(default_factory=list)
    sync_ids: list[str | None] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        asked = json.loads(request.content)
        document, variables = asked["query"], asked["variables"]
        if "login(" in document:
            self.calls.append("login")
            if variables["password"] != "right":  # noqa: S105
                refusal = {"errorCode": "INVALID_CREDENTIALS_ERROR", "message": "invalid"}
                return httpx.Response(200, json={"data": {"login": refusal}})
            login = {"login": {"__typename": "CurrentUser"}}
            return httpx.Response(
                200, json={"data": login}, headers={"vendure-auth-token": self.token}
            )
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            self.calls.append("forbidden")
            return _problem("You are not currently authorized", "FORBIDDEN")
        if "stockLocations" in document:
            self.calls.append("locations")
            items = [{"id": "1", "name": "Default Stock Location"}]
            return httpx.Response(200, json={"data": {"stockLocations": {"items": items}}})
        if "updateProductVariants" in document:
            self.calls.append("write")
            return self._write(variables["input"], request.headers.get("x-sync-id"))
        self.calls.append("read")
        items = [self._item(sku) for sku in variables["skus"] if sku in self.levels]
        return httpx.Response(200, json={"data": {"productVariants": {"items": items}}})

    def state(self) -> Any:
        """What a crash must not change."""
        return json.loads(json.dumps(self.levels))

    def _item(self, sku: str) -> dict[str, Any]:
        level = self.levels[sku]
        stock = {
            "stockLocationId": "1",
            "stockOnHand": level["on_hand"],
            "stockAllocated": level["allocated"],
        }
        return {"id": f"v-{sku}", "sku": sku, "stockLevels": [stock]}

    def _write(self, changes: list[dict[str, Any]], sync_id: str | None) -> httpx.Response:
        skus = [change["id"].removeprefix("v-") for change in changes]
        for sku, change in zip(skus, changes, strict=True):
            if change["stockLevels"][0]["stockOnHand"] < 0:
                return _problem("stockOnHand cannot be a negative value", "USER_INPUT_ERROR")
            self.levels[sku]["on_hand"] = change["stockLevels"][0]["stockOnHand"]
        self.writes.append(skus)
        self.sync_ids.append(sync_id)
        written = [{"id": change["id"]} for change in changes]
        return httpx.Response(200, json={"data": {"updateProductVariants": written}})


def _problem(message: str, code: str) -> httpx.Response:
    problem = {"message": message, "extensions": {"code": code}}
    return httpx.Response(200, json={"errors": [problem], "data": None})
