"""The stock sink against the real shop: what it sells is what is available, orders or not."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest

from ops.demo import shop as buyers
from ops.demo.plan import Basket, Buyer
from runtime.errors import ConfigurationError, RecordError
from schemas.records import Stock
from sinks.sink import Applied
from sinks.vendure.client import VendureClient
from sinks.vendure.stock import Level, StockSink
from sinks.worker import Batched, Breaker, direct
from tests.contract.stock import stock

pytestmark = pytest.mark.stack

Stack = Mapping[str, Any]
SKUS = ("CAH-SPIR", "LAM-ETAIN", "BIS-SABLE", "SEL-GUER")
LOCATION = "Default Stock Location"


def client(stack: Stack, password: str | None = None) -> VendureClient:
    """A client with Syncline's own restricted administrator."""
    shop = stack["endpoints"]["shop"]
    sync = shop["sync"]
    return VendureClient(shop["admin_api"], sync["username"], password or sync["password"])


class Shelf:
    """Writes and reads levels; remembers what was there."""

    def __init__(self, shop: VendureClient) -> None:
        self.shop = shop
        self.sink = StockSink(shop, {"WH": LOCATION})

    async def write(self, *records: Stock) -> dict[str, Applied | RecordError]:
        """Write, and answer by SKU."""
        answers = await self.sink.write_many({f"{one['sku']}@WH": one for one in records})
        return {key.removesuffix("@WH"): answer for key, answer in answers.items()}

    async def levels(self, *skus: str) -> dict[str, Level]:
        """What the shop holds now."""
        found = await self.shop.query(
            "query ($skus: [String!]!) { productVariants(options: {filter: {sku: {in: $skus}}})"
            " { items { id sku stockLevels { stockOnHand stockAllocated } } } }",
            skus=list(skus),
        )
        return {
            item["sku"]: Level(
                item["id"],
                item["stockLevels"][0]["stockOnHand"],
                item["stockLevels"][0]["stockAllocated"],
            )
            for item in found["productVariants"]["items"]
        }


@pytest.fixture(name="shelf")
async def _shelf(stack: Stack) -> AsyncIterator[Shelf]:
    shop = client(stack)
    shelf = Shelf(shop)
    before = await shelf.levels(*SKUS)
    yield shelf
    for level in before.values():
        await shop.mutate(
            "mutation ($i: [UpdateProductVariantInput!]!)"
            " { updateProductVariants(input: $i) { id } }",
            i=[
                {
                    "id": level.variant,
                    "stockLevels": [{"stockLocationId": "1", "stockOnHand": level.on_hand}],
                }
            ],
        )
    await shop.close()


async def test_levels_are_written_in_one_batch_and_not_again(shelf: Shelf) -> None:
    """Nothing is written when it is already so; an unknown SKU does not hold up the others."""
    numbers = {sku: str(41 + n) for n, sku in enumerate(SKUS)}
    records = [stock(sku, number) for sku, number in numbers.items()]
    first = await shelf.write(*records, stock("NOPE-2", "1"))
    levels = await shelf.levels(*SKUS)
    again = await shelf.write(*records)

    assert {sku: str(level.on_hand) for sku, level in levels.items()} == numbers
    assert isinstance(first["NOPE-2"], RecordError)
    assert "no variant with SKU NOPE-2" in str(first["NOPE-2"])
    assert all(
        isinstance(answer, Applied) and answer.outcome == "unchanged" for answer in again.values()
    )


async def test_less_than_nothing_sells_nothing(shelf: Shelf) -> None:
    """The shop takes no negative number; zero says the same."""
    await shelf.write(stock(SKUS[0], "-3"))
    level = (await shelf.levels(SKUS[0]))[SKUS[0]]

    assert level.on_hand == 0
    assert level.on_hand - level.allocated <= 0


async def test_a_tombstone_sells_nothing(shelf: Shelf) -> None:
    """Of a SKU that is no more in the ERP."""
    await shelf.write(stock(SKUS[1], "5"))
    await shelf.sink.write_many({f"{SKUS[1]}@WH": None})

    assert (await shelf.levels(SKUS[1]))[SKUS[1]].on_hand == 0


async def test_an_order_is_taken_off_once_whether_the_record_knows_it_or_not(
    shelf: Shelf, stack: Stack
) -> None:
    """Saleable is available; what the record does not know yet, the shop itself takes off."""
    sku = SKUS[2]
    open_before = (await shelf.levels(sku))[sku].allocated
    await shelf.write(stock(sku, "10", web_open=str(open_before)))
    await buy(stack, sku, 2)
    # The stack's own sink may write this SKU too, once it has seen the order: then look again.
    await settles(
        shelf, stock(sku, "10", web_open=str(open_before)), on_hand=10 + open_before, saleable=8
    )
    await settles(
        shelf, stock(sku, "8", web_open=str(open_before + 2)), on_hand=10 + open_before, saleable=8
    )
    await settles(
        shelf, stock(sku, "5", web_open=str(open_before + 2)), on_hand=7 + open_before, saleable=5
    )


async def test_many_writers_through_the_worker_never_overlap(shelf: Shelf) -> None:
    """Vendure's own arithmetic is not locked: one batch at a time keeps every number ours."""
    sku = SKUS[3]
    open_now = (await shelf.levels(sku))[sku].allocated
    batched: Batched[Stock] = Batched(shelf.sink, Breaker("vendure"))

    class OneByOne:
        async def upsert(self, key: str, record: Stock) -> Applied:
            return await batched(key, record, _nothing)

        async def delete(self, key: str) -> Applied:
            return await batched(key, None, _nothing)

    apply = direct(OneByOne(), Breaker("vendure"), keys_in_flight=8)
    for number in range(20):
        record = stock(sku, str(number), web_open=str(open_now))
        others = [stock(one, str(number)) for one in SKUS[:2]]
        await asyncio.gather(
            *(apply(f"{one['sku']}@WH", one, _nothing) for one in (record, *others))
        )
        assert (await shelf.levels(sku))[sku].on_hand == number + open_now


async def test_wrong_credentials_are_a_setting_and_an_old_session_is_renewed(stack: Stack) -> None:
    """The sentence names the setting; a token that has expired costs one more call."""
    shop = client(stack, "wrong")
    with pytest.raises(ConfigurationError, match=r"vendure\.username"):
        await shop.query("{ stockLocations { items { id } } }")
    await shop.close()

    shop = client(stack)
    await shop.query("{ stockLocations { items { id } } }")
    shop._token = "expired"  # noqa: S105, SLF001 - what a restarted shop makes of ours
    assert await shop.query("{ stockLocations { items { id } } }")
    await shop.close()


def _nothing() -> Any:
    """Nobody drains here."""
    return _Nothing()


class _Nothing:
    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


async def settles(shelf: Shelf, record: Stock, *, on_hand: int, saleable: int) -> None:
    """Write until the level is as it should be."""
    deadline = time.monotonic() + 30
    while True:
        await shelf.write(record)
        level = (await shelf.levels(record["sku"]))[record["sku"]]
        if (level.on_hand, level.on_hand - level.allocated) == (on_hand, saleable):
            return
        assert time.monotonic() < deadline, level
        await asyncio.sleep(0.1)


async def buy(stack: Stack, sku: str, quantity: int) -> None:
    """Place an order as a guest."""
    run = uuid.uuid4().hex[:8]
    buyer = Buyer(
        "Inès",
        "Roux",
        f"{run}@example.com",
        registered=False,
        street="1 rue A",
        postal_code="59000",
        city="Lille",
    )
    url = stack["endpoints"]["shop"]["shop_api"]
    async with httpx.AsyncClient(timeout=60) as http:
        variants = await buyers.catalogue(http, url)
        placed = await buyers.place(http, url, Basket(buyer, {sku: quantity}, "card"), variants)
    assert placed is not None
