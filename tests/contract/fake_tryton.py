"""
HTTP requests in, the answers of a very small Tryton out: enough of it for the order sink.

It keeps records, unique marks and states as the real one does; what it knows was seen on the
real one, which the integration tests use.
"""

import base64
import itertools
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import httpx

from sinks.tryton import encoding
from sinks.tryton.rounding import predict

Record = dict[str, Any]

UNIQUE = ("external_id",)
RATES = {1: Decimal(20), 2: Decimal("5.5")}


def known_records() -> dict[str, list[Record]]:
    """What a shop's ERP holds before the first order."""
    goods = ("ALL-LONG", "LIV-PETITP-REL", "VER-VIN", "SHIP", "DISC", "ROUND")
    return {
        "web.shop": [{"id": 1, "name": "Syncline shop"}],
        "currency.currency": [{"id": 1, "code": "EUR"}],
        "country.country": [{"id": 1, "code": "FR"}],
        "stock.location": [{"id": 5, "code": "WH", "type": "warehouse"}],
        "account.invoice.payment_term": [{"id": 10, "name": "Comptant"}],
        "account.payment.journal": [
            {"id": 1, "name": "Carte bancaire (web)"},
            {"id": 2, "name": "Virement (web)"},
        ],
        "account.tax": [{"id": 1, "name": "TVA 20 %"}, {"id": 2, "name": "TVA 5,5 %"}],
        "product.product": [
            {"id": number, "code": code, "active": True, "sale_uom": 1}
            for number, code in enumerate(goods, start=30)
        ],
        "party.party": [],
        "party.address": [],
        "sale.sale": [],
        "account.payment": [],
    }


class Refused(Exception):  # noqa: N818 - it is Tryton's answer, not our error
    """A UserError."""


@dataclass(slots=True)
class FakeTryton:
    """A handler for httpx.MockTransport."""

    records: dict[str, list[Record]] = field(default_factory=known_records)
    ids: Iterable[int] = field(default_factory=lambda: itertools.count(100))
    calls: list[str] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        path = request.url.path.removeprefix("/erp/")
        body = encoding.loads(request.content) if request.content else None
        self.calls.append(f"{request.method} {path}")
        try:
            answer = self._rpc(body) if path == "rpc/" else self._rest(request, path, body)
        except Refused as refusal:
            return httpx.Response(400, json={"status": 400, "message": str(refusal)})
        return httpx.Response(200, content=encoding.dumps(answer))

    def state(self) -> Any:
        """What a crash must not change: documents by their marks, with their states."""
        return {
            model: sorted(
                (
                    {
                        key: str(value)
                        for key, value in record.items()
                        if key in {"external_id", "web_id", "state", "amount", "name", "party_name"}
                    }
                    for record in self.records[model]
                ),
                key=json.dumps,
            )
            for model in ("party.party", "party.address", "sale.sale", "account.payment")
        }

    def _rest(self, request: httpx.Request, path: str, body: Any) -> Any:
        assert request.headers["Authorization"] == "Bearer key"
        _, _, model, *rest = path.split("/")
        match request.method, rest:
            case "GET", []:
                domain = encoding.loads(base64.urlsafe_b64decode(request.url.params["d"]))
                return [self._shown(one) for one in self.records[model] if _matches(one, domain)]
            case "GET", [number]:
                return self._shown(self._one(model, int(number)))
            case "POST", []:
                return self._shown(self._create(model, body))
            case "PUT", [number]:
                record = self._one(model, int(number))
                record.update(body)
                return self._shown(record)
            case "POST", [number, button]:
                return self._shown(self._press(model, self._one(model, int(number)), button))
        raise AssertionError(path)

    def _rpc(self, body: Any) -> Any:
        match body["method"]:
            case "common.db.login":
                return {"id": 1, "result": [4, "token", None]}
            case "model.res.user.get_preferences":
                return {"id": 1, "result": {"company": 1}}
            case "wizard.account.payment.process.create":
                return {"id": 1, "result": [9, "process", "end"]}
            case "wizard.account.payment.process.execute":
                for number in body["params"][-1]["active_ids"]:
                    payment = self._one("account.payment", number)
                    if payment["state"] == "submitted":
                        payment["state"] = "processing"
        return {"id": 1, "result": {}}

    def _one(self, model: str, number: int) -> Record:
        return next(record for record in self.records[model] if record["id"] == number)

    def _create(self, model: str, values: Record) -> Record:
        for record in self.records[model]:
            if record.get("external_id") and record["external_id"] == values.get("external_id"):
                raise Refused("The external ID must be unique.")
            if model == "sale.sale" and record["web_id"] == values["web_id"]:
                raise Refused("The web ID on the sale must be unique per shop.")
        record = {"id": next(iter(self.ids)), "state": "draft", "active": True, **values}
        self.records[model].append(record)
        if model == "party.party":
            addresses = _created(values["addresses"])
            record["addresses"] = [
                self._create("party.address", {**one, "party": record["id"]}) for one in addresses
            ]
            record["contact_mechanisms"] = _created(values["contact_mechanisms"])
        if model == "sale.sale":
            self._total(record, _created(values["lines"]))
        if model == "party.address" and values.get("party"):
            self._address_of(values["party"], record)
        return record

    def _address_of(self, party: int, address: Record) -> None:
        for one in self.records["party.party"]:
            if one["id"] == party and isinstance(one["addresses"][0], dict):
                one["addresses"].append(address)

    def _total(self, sale: Record, lines: list[Record]) -> None:
        priced = []
        for line in lines:
            (taxes,) = [tax for _, tax in line["taxes"]] or [[]]
            percent = RATES[taxes[0]] if taxes else Decimal(0)
            priced.append(predict(Decimal(str(line["quantity"])), line["unit_price"], percent))
        sale["untaxed_amount"] = sum((one.net for one in priced), Decimal(0))
        sale["tax_amount"] = sum((one.tax for one in priced), Decimal(0))
        sale["total_amount"] = sale["untaxed_amount"] + sale["tax_amount"]
        sale["number"] = None

    def _shown(self, record: Record) -> Record:
        shown = {key: value for key, value in record.items() if key != "lines"}
        if "web_id" in record:
            origin = f"sale.sale,{record['id']}"
            shown["payments"] = [
                payment
                for payment in self.records["account.payment"]
                if payment["origin"] == origin
            ]
        return shown

    def _press(self, model: str, record: Record, button: str) -> Record:
        moves: dict[tuple[str, str], str] = {
            ("draft", "quote"): "quotation",
            ("quotation", "confirm"): "processing",
            ("draft", "cancel"): "cancelled",
            ("quotation", "cancel"): "cancelled",
            ("draft", "submit"): "submitted",
            ("processing", "succeed"): "succeeded",
            ("processing", "fail"): "failed",
        }
        after = moves.get((record["state"], button))
        if after is None:
            raise Refused(f'You can not call "{button}" on "{model},{record["id"]}".')
        record["state"] = after
        if after == "succeeded":
            sale = self._one("sale.sale", int(record["origin"].split(",")[1]))
            paid = [
                one["amount"]
                for one in self._shown(sale)["payments"]
                if one["state"] == "succeeded"
            ]
            if sale["state"] == "quotation" and sum(paid) >= sale["total_amount"]:
                sale["state"] = "processing"
        return record


def _created(commands: list[Any]) -> list[Record]:
    return [record for command, records in commands if command == "create" for record in records]


def _matches(record: Record, domain: list[Any]) -> bool:
    if domain and domain[0] == "OR":
        return any(_matches(record, [clause]) for clause in domain[1:])
    return all(_clause(record, *clause) for clause in domain)


def _clause(record: Record, name: str, operator: str, wanted: Any) -> bool:
    compare: dict[str, Callable[[Any], bool]] = {
        "=": lambda value: bool(value == wanted),
        "in": lambda value: value in wanted,
        "ilike": lambda value: str(value).casefold() == wanted.replace("\\", "").casefold(),
    }
    first, _, rest = name.partition(".")
    value = record.get(first)
    values = [one[rest] for one in value] if rest and value else [value]
    return any(compare[operator](one) for one in values)
