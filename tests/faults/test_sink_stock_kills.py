"""The stock worker dies while it writes: the shop ends with the newest numbers all the same."""

import signal
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.contract.fake_vendure import FakeVendure
from tests.contract.stock import stock
from tests.faults.sink_lab import SinkLab, served, until

pytestmark = pytest.mark.stack

SKUS = [f"SKU-{number}" for number in range(60)]


class Shop:
    """A small Vendure that kills its writer, when told so, after a write and before the answer."""

    def __init__(self) -> None:
        self.vendure = FakeVendure(levels={sku: {"on_hand": 0, "allocated": 0} for sku in SKUS})
        self.kill: Callable[[], object] = lambda: None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        before = len(self.vendure.writes)
        answer = self.vendure(request)
        if len(self.vendure.writes) > before:
            self.kill()
        return answer

    def on_hand(self) -> dict[str, int]:
        """What the shop holds."""
        return {sku: level["on_hand"] for sku, level in self.vendure.levels.items()}


@pytest.fixture(name="shop")
def _shop() -> Shop:
    return Shop()


@pytest.fixture(name="lab")
def _lab(kafka: str, shop: Shop) -> Iterator[SinkLab]:
    lab = SinkLab(kafka, "stock", "sinks.vendure.stock")
    with served(shop) as url, served(lab.registry) as registry:
        lab.environment = {
            "SYNCLINE_VENDURE__ADMIN_API": f"{url}/admin-api",
            "SYNCLINE_VENDURE__PASSWORD": "right",
            "SYNCLINE_REGISTRY__URL": registry,
        }
        try:
            yield lab
        finally:
            lab.close()


def test_the_newest_stock_is_in_the_shop_whatever_dies(lab: SinkLab, shop: Shop) -> None:
    """Killed after a write nobody was told of, with newer numbers behind it; one SKU unknown."""
    for version in range(1, 6):
        lab.send({f"{sku}@WH": stock(sku, str(version), position=version) for sku in SKUS})
    lab.send({"GONE@WH": stock("GONE", "1")})
    worker = lab.start("vendure")
    shop.kill = lambda: worker.send_signal(signal.SIGKILL)
    until(lambda: worker.poll() is not None, 60, "killed while writing")
    shop.kill = lambda: None
    lab.send({f"{sku}@WH": stock(sku, "9", position=9) for sku in SKUS[:30]})
    lab.start("vendure")
    until(lambda: lab.lag() == 0, 60, "everything committed")

    assert shop.on_hand() == {sku: 9 if number < 30 else 5 for number, sku in enumerate(SKUS)}
    assert "no variant with SKU GONE" in lab.dead()["GONE@WH"]
    assert len(shop.vendure.writes) < 30, "many SKUs share a call, old versions are left out"
    assert set(lab.written()) == {f"{sku}@WH" for sku in SKUS}
