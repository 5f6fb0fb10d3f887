"""Names and codes in, the ERP's ids out: found once, remembered for a while."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from time import monotonic

from runtime.errors import ConfigurationError, RecordError
from runtime.settings import Orders
from sinks.tryton.client import Domain, Record, TrytonClient

KEEP_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Product:
    """A product of the ERP, and the unit in which it is sold."""

    id: int
    unit: int


@dataclass(slots=True)
class Directory:
    """
    What the names in an order and in ``syncline.toml`` stand for in the ERP.

    What is found is kept for a few minutes, what is missing is asked for again each time, so that
    a product made a second ago is seen. A name of ours that is missing is a ConfigurationError;
    one that came with the order is a RecordError, and says what to create.
    """

    erp: TrytonClient
    orders: Orders
    clock: Callable[[], float] = monotonic
    _known: dict[tuple[str, str], tuple[float, Record]] = field(default_factory=dict)

    async def web_shop(self) -> int:
        """The web shop that our orders belong to."""
        return await self._named("web.shop", "name", self.orders.web_shop, "orders.web_shop")

    async def warehouse(self) -> int:
        """The warehouse that serves web orders."""
        only = [("type", "=", "warehouse")]
        return await self._named(
            "stock.location", "code", self.orders.warehouse, "orders.warehouse", only
        )

    async def payment_term(self) -> int:
        """When web orders are due."""
        return await self._named(
            "account.invoice.payment_term", "name", self.orders.payment_term, "orders.payment_term"
        )

    async def journal(self, method: str) -> int:
        """The journal of the shop's payment *method*."""
        name = self.orders.payment_journals.get(method)
        if name is None:
            raise RecordError(
                f"payment method {method} has no journal in the ERP:"
                f' add {method} = "<journal>" to [orders.payment_journals] in syncline.toml'
            )
        setting = f"orders.payment_journals.{method}"
        return await self._named("account.payment.journal", "name", name, setting)

    async def tax(self, percent: Decimal) -> int | None:
        """The tax of this rate; None where nothing is taxed."""
        rate = f"{percent.normalize():f}"
        names = {
            f"{Decimal(known).normalize():f}": name for known, name in self.orders.taxes.items()
        }
        name = names.get(rate)
        if name is not None:
            return await self._named("account.tax", "name", name, f'orders.taxes."{rate}"')
        if percent == 0:
            return None
        raise RecordError(
            f"tax rate {rate} % has no tax in the ERP:"
            f' add "{rate}" = "<tax>" to [orders.taxes] in syncline.toml'
        )

    async def currency(self, code: str) -> int:
        """The currency with this ISO 4217 code."""
        return await self._from_order("currency.currency", "code", code, f"currency {code}")

    async def country(self, code: str) -> int:
        """The country with this ISO 3166 code."""
        return await self._from_order("country.country", "code", code, f"country {code}")

    async def products(self, skus: Iterable[str]) -> dict[str, Product]:
        """The active products with these codes, in as few calls as it takes."""
        wanted = sorted(set(skus))
        unknown = [sku for sku in wanted if self._recall("product.product", sku) is None]
        if unknown:
            fields = ["code", "active", "sale_uom"]
            for found in await self.erp.search(
                "product.product", [["code", "in", unknown], ["active", "=", True]], fields
            ):
                self._remember("product.product", found["code"], found)
        products = {sku: self._recall("product.product", sku) for sku in wanted}
        missing = [sku for sku, found in products.items() if found is None]
        if missing:
            codes = ", ".join(missing)
            raise RecordError(
                f"the ERP has no active product with code {codes}; create it, then replay"
            )
        return {
            sku: Product(found["id"], found["sale_uom"])
            for sku, found in products.items()
            if found is not None
        }

    async def service(self, code: str, setting: str) -> Product:
        """A product of ours that stands on order lines and lies on no shelf."""
        try:
            return (await self.products([code]))[code]
        except RecordError as error:
            raise ConfigurationError(f"{setting} in syncline.toml: {error}") from error

    async def _named(
        self, model: str, attribute: str, name: str, setting: str, only: Domain = ()
    ) -> int:
        found = await self._find(model, attribute, name, only)
        if found is None:
            raise ConfigurationError(
                f"{setting} in syncline.toml: the ERP has no {model} with {attribute} {name!r};"
                " correct the name, or create it there"
            )
        return int(found["id"])

    async def _from_order(self, model: str, attribute: str, name: str, what: str) -> int:
        found = await self._find(model, attribute, name)
        if found is None:
            raise RecordError(f"the ERP has no {what}; create it, then replay")
        return int(found["id"])

    async def _find(
        self, model: str, attribute: str, name: str, only: Sequence[object] = ()
    ) -> Record | None:
        known = self._recall(model, name)
        if known is None:
            domain = [[attribute, "=", name], *only]
            found = await self.erp.search(model, domain, [attribute], limit=1)
            if not found:
                return None
            known = self._remember(model, name, found[0])
        return known

    def _recall(self, model: str, name: str) -> Record | None:
        until, record = self._known.get((model, name), (0.0, {}))
        return record if until > self.clock() else None

    def _remember(self, model: str, name: str, record: Record) -> Record:
        self._known[model, name] = (self.clock() + KEEP_SECONDS, record)
        return record
