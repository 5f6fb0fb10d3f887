"""A sink worker dies, or its ERP misbehaves: nothing is lost, doubled, or held up by others."""

import json
import os
import signal
import uuid
from collections.abc import Callable, Iterator

import httpx
import pytest

from ops.local import control
from ops.local.settings import LocalSettings
from sinks.tryton import encoding
from tests.contract.fake_tryton import FakeTryton
from tests.contract.orders import shop_order
from tests.faults.sink_lab import Hang, SinkLab, served, until

pytestmark = pytest.mark.stack

Cue = Callable[[httpx.Request], httpx.Response | None]


class Erp:
    """A small Tryton that real workers talk to over HTTP, and what it is told to do wrong."""

    def __init__(self) -> None:
        self.tryton = FakeTryton()
        self.before: Cue = lambda _request: None
        self.after: Cue = lambda _request: None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer, or do as told before or after the call is done."""
        return self.before(request) or self._done(request)

    def _done(self, request: httpx.Request) -> httpx.Response:
        answer = self.tryton(request)
        return self.after(request) or answer

    def sales(self) -> dict[str, list[str]]:
        """States of the sales of each web id."""
        states: dict[str, list[str]] = {}
        for sale in self.tryton.records["sale.sale"]:
            states.setdefault(sale["web_id"], []).append(sale["state"])
        return states


@pytest.fixture(name="erp")
def _erp() -> Erp:
    return Erp()


@pytest.fixture(name="lab")
def _lab(kafka: str, erp: Erp) -> Iterator[SinkLab]:
    lab = SinkLab(kafka, "order", "sinks.tryton.order")
    with served(erp) as url, served(lab.registry) as registry:
        lab.environment = {
            "SYNCLINE_TRYTON__URL": url,
            "SYNCLINE_TRYTON__DATABASE": "erp",
            "SYNCLINE_TRYTON__API_KEY": "key",
            "SYNCLINE_TRYTON__PASSWORD": "secret",
            "SYNCLINE_TRYTON__TIMEOUT_SECONDS": "1",
            "SYNCLINE_TRYTON__CALLS_PER_SECOND": "1000",
            "SYNCLINE_REGISTRY__URL": registry,
        }
        try:
            yield lab
        finally:
            lab.close()


def orders(count: int) -> dict[str, object]:
    """New orders of different buyers."""
    batch = uuid.uuid4().hex[:8]
    codes = [f"{batch}-{number}" for number in range(count)]
    return {
        code: shop_order(code, buyer=code, mail=f"{code}@example.com", position=number)
        for number, code in enumerate(codes, start=1)
    }


def creates_sale(request: httpx.Request, code: str) -> bool:
    """Whether *request* creates the sale of the order *code*."""
    return (
        request.method == "POST"
        and request.url.path.endswith("model/sale.sale")
        and json.loads(request.content)["web_id"] == code
    )


def test_a_worker_killed_between_write_and_commit_writes_once(lab: SinkLab, erp: Erp) -> None:
    """SIGKILL after the ERP has done it, before anybody was told: delivered again, there once."""
    batch = orders(6)
    lab.send(batch)
    for deed in ("model/party.party", "model/sale.sale", "succeed"):
        worker = lab.start("tryton")

        def kill(request: httpx.Request, deed: str = deed) -> httpx.Response | None:
            if request.method == "POST" and request.url.path.endswith(deed):
                erp.after = lambda _request: None
                worker.send_signal(signal.SIGKILL)  # noqa: B023 - this turn's worker
            return None

        erp.after = kill
        until(lambda: worker.poll() is not None, 60, f"killed at {deed}")  # noqa: B023
    lab.start("tryton")
    until(lambda: lab.lag() == 0, 60, "everything committed")

    sales = erp.sales()
    assert {code: sales[code] for code in batch} == {code: ["processing"] for code in batch}
    parties = [party["external_id"] for party in erp.tryton.records["party.party"]]
    assert len(parties) == len(set(parties)) == len(batch)
    written = lab.written()
    assert all(written[code] for code in batch)


def test_an_order_the_erp_refuses_or_cannot_take_now_holds_up_no_other(
    lab: SinkLab, erp: Erp
) -> None:
    """One gets 400, one 503, one no answer at all; the rest is written meanwhile."""
    batch = orders(9)
    refused, busy, silent, *rest = batch
    trouble = {"on": True}

    def misbehave(request: httpx.Request) -> httpx.Response | None:
        if trouble["on"] and creates_sale(request, refused):
            message = 'A value is required for field "Party" in "Sale".'
            return httpx.Response(400, json={"status": 400, "message": message})
        if trouble["on"] and creates_sale(request, busy):
            return httpx.Response(503, text="<p>could not serialize access</p>")
        if trouble["on"] and creates_sale(request, silent):
            raise Hang
        return None

    erp.before = misbehave
    lab.send(batch)
    lab.start("tryton")
    until(lambda: all(code in lab.written() for code in rest), 60, "the others written")
    until(lambda: refused in lab.dead(), 30, "the refused one dead-lettered")
    assert lab.dead()[refused] == (
        f'order {refused}: the ERP refused: A value is required for field "Party" in "Sale".'
    )
    assert not {busy, silent} & set(lab.written())
    assert lab.lag() > 0

    trouble["on"] = False
    until(lambda: lab.lag() == 0, 60, "everything committed")
    assert all(erp.sales()[code] == ["processing"] for code in (busy, silent, *rest))
    assert refused not in erp.sales()


def test_an_unknown_sku_is_a_dead_letter_that_says_what_to_create(lab: SinkLab, erp: Erp) -> None:
    """And its neighbours are written."""
    batch = orders(3)
    bad = next(iter(batch))
    batch[bad] = shop_order(bad, [("MUG-NEW", "9.99", 1, "20")])
    lab.send(batch)
    lab.start("tryton")
    until(lambda: lab.lag() == 0, 60, "everything committed")

    assert lab.dead()[bad] == (
        f"order {bad}: the ERP has no active product with code MUG-NEW; create it, then replay"
    )
    assert bad not in erp.sales()
    assert {code for code in batch if code != bad} <= set(erp.sales())


def test_a_registry_that_is_down_delays_and_loses_nothing(kafka: str, erp: Erp) -> None:
    """At the start the worker waits; records come through when the registry is back."""
    lab = SinkLab(kafka, "order", "sinks.tryton.order")
    with served(lab.registry) as registry:
        port = int(registry.rpartition(":")[2])
    batch = orders(3)
    lab.send(batch)
    try:
        with served(erp) as url:
            lab.environment = {
                "SYNCLINE_TRYTON__URL": url,
                "SYNCLINE_TRYTON__DATABASE": "erp",
                "SYNCLINE_TRYTON__API_KEY": "key",
                "SYNCLINE_TRYTON__PASSWORD": "secret",
                "SYNCLINE_REGISTRY__URL": f"http://127.0.0.1:{port}",
            }
            worker = lab.start("tryton")
            with served(lab.registry, port):
                until(lambda: lab.lag() == 0, 60, "everything committed")
            assert all(erp.sales()[code] == ["processing"] for code in batch)

            # And one that goes away under way: known schemas need no registry.
            more = orders(3)
            lab.send(more)
            until(lambda: lab.lag() == 0, 60, "everything committed without a registry")
            assert worker.poll() is None
    finally:
        lab.close()


def test_sigterm_drains_and_two_workers_share(lab: SinkLab, erp: Erp) -> None:
    """Exit code 0 in time; what one leaves, the other takes over, and nothing is doubled."""
    lab.send(orders(10))
    first, second = lab.start("tryton"), lab.start("tryton")
    until(lambda: len(lab.written()) > 0, 60, "some written")
    batch = orders(40)
    lab.send(batch)
    until(lambda: any(code in erp.sales() for code in batch), 60, "under way")
    first.terminate()
    assert first.wait(10) == 0
    until(lambda: lab.lag() == 0, 60, "everything committed")
    second.terminate()

    assert second.wait(10) == 0
    sales = erp.sales()
    assert {code: sales[code] for code in batch} == {code: ["processing"] for code in batch}


def test_wrong_credentials_stop_the_worker_and_commit_nothing(lab: SinkLab) -> None:
    """Exit code 1: a person must act; the records stay where they are."""

    def refuse(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(401, content=encoding.dumps("Unauthorized"))

    batch = orders(2)
    lab.send(batch)
    with served(refuse) as url:
        lab.environment["SYNCLINE_TRYTON__URL"] = url
        assert lab.start("tryton").wait(60) == 1
    assert lab.lag() >= len(batch)


def test_a_broker_that_is_killed_delays_and_loses_nothing(
    lab: SinkLab, erp: Erp, kafka_home: LocalSettings
) -> None:
    """Ledger entries and commits wait for it; what was written comes again and is written once."""
    batch = orders(12)
    lab.start("tryton")
    lab.send(batch)
    until(lambda: any(code in erp.sales() for code in batch), 60, "under way")
    broker = control.seen(kafka_home)["kafka"].pid
    assert broker is not None
    os.kill(broker, signal.SIGKILL)
    until(lambda: control.seen(kafka_home)["kafka"].pid not in {None, broker}, 60, "another broker")
    control.wait_ready(kafka_home, ["kafka"])
    until(lambda: lab.lag() == 0, 90, "everything committed")

    sales, written = erp.sales(), lab.written()
    assert {code: sales[code] for code in batch} == {code: ["processing"] for code in batch}
    assert all(written[code] for code in batch)
