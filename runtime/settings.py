"""
``syncline.toml`` and the environment in, one typed tree of settings out.

The file holds the rules; secrets come from the environment (``SYNCLINE_TRYTON__API_KEY``) or
from files (``SYNCLINE_SECRETS_DIR``), never from the file. A wrong file is refused with its
line and the way to mend it.
"""

import os
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from runtime.errors import ConfigurationError
from runtime.kafka import Cluster


class Section(BaseModel):
    """A table of the file: frozen, and without names nobody reads."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Kafka(Section):
    """Where Kafka is."""

    bootstrap: str = "127.0.0.1:20092"
    replication_factor: int = 1
    security: dict[str, str] = {}

    @property
    def cluster(self) -> Cluster:
        """The same, as the Kafka clients take it."""
        return Cluster(self.bootstrap, self.security)


class Registry(Section):
    """Where schemas have numbers: the Confluent-compatible API."""

    url: str = "http://127.0.0.1:20081/apis/ccompat/v7"


class Tryton(Section):
    """The ERP's API, and the names of the records that orders refer to."""

    url: str = "http://127.0.0.1:20069"
    database: str = "erp"
    api_key: SecretStr = SecretStr("")
    username: str = "syncline"
    password: SecretStr = SecretStr("")
    calls_per_second: float = 50
    timeout_seconds: float = 120  # confirming an order of hundreds of lines takes it a while


class Vendure(Section):
    """The shop's admin API."""

    admin_api: str = "http://127.0.0.1:20030/admin-api"
    username: str = "syncline"
    password: SecretStr = SecretStr("")
    calls_per_second: float = 100
    timeout_seconds: float = 30


class Orders(Section):
    """How a shop order stands in the ERP: names and codes as the ERP has them."""

    web_shop: str = "Syncline shop"
    warehouse: str = "WH"
    shipping_product: str = "SHIP"
    surcharge_product: str = "DISC"
    rounding_product: str = "ROUND"
    largest_rounding: Decimal = Decimal("0.05")
    payment_term: str = "Comptant"
    payment_journals: dict[str, str] = {  # the shop's payment method -> the ERP's payment journal
        "card": "Carte bancaire (web)",
        "transfer": "Virement (web)",
    }
    price_digits: int = 8  # of the ERP's unit prices: [product] price_decimal in trytond.conf
    taxes: dict[str, str] = {"20": "TVA 20 %", "5.5": "TVA 5,5 %"}
    wait_seconds: float = 60


class Stock(Section):
    """What may be promised, and where the shop keeps it."""

    locations: dict[str, str] = {"WH": "Default Stock Location"}
    safety: Decimal = Decimal(0)
    safety_by_sku: dict[str, Decimal] = {}


class Streams(Section):
    """How the Faust workers run."""

    data_dir: Path = Path(".syncline/run/streams")
    commit_interval_seconds: float = 0.5
    session_timeout_seconds: float = 10
    stuck_after_seconds: float = 60
    instance: str = ""  # a name of its own, kept over restarts: they take over without waiting


class Sinks(Section):
    """How the sink workers run."""

    keys_in_flight: Annotated[int, Field(ge=1)] = 4  # more only lengthens the ERP's own queue
    batch_size: Annotated[int, Field(ge=1)] = 50
    metrics_port: int | None = None  # on the loopback interface; off when not set
    dead_letter_limit: Annotated[int, Field(ge=1)] = 50
    dead_letter_window: Annotated[int, Field(ge=1)] = 200


class Settings(BaseSettings):
    """Everything a process may be told."""

    model_config = SettingsConfigDict(
        env_prefix="SYNCLINE_",
        env_nested_delimiter="__",
        extra="ignore",
        frozen=True,
    )

    kafka: Kafka = Kafka()
    registry: Registry = Registry()
    tryton: Tryton = Tryton()
    vendure: Vendure = Vendure()
    orders: Orders = Orders()
    stock: Stock = Stock()
    streams: Streams = Streams()
    sinks: Sinks = Sinks()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the library calls by name
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over secret files, and both over the TOML file."""
        file = TomlConfigSettingsSource(settings_cls, config_file())
        return init_settings, env_settings, file_secret_settings, file


def config_file() -> Path:
    """The file to read: ``SYNCLINE_CONFIG``, or ``syncline.toml`` here."""
    return Path(os.environ.get("SYNCLINE_CONFIG", "syncline.toml"))


def load() -> Settings:
    """
    Read file and environment.

    Raises ConfigurationError with file, line, what is wrong and how to mend it.
    """
    path = config_file()
    secrets = os.environ.get("SYNCLINE_SECRETS_DIR")
    try:
        # The keyword is the library's; its type stubs know only the fields.
        return Settings(_secrets_dir=secrets) if secrets else Settings()  # type: ignore[call-arg]
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path}: not valid TOML: {error}") from error
    except ValidationError as error:
        raise ConfigurationError("\n".join(_sentences(path, error))) from error


def _sentences(path: Path, error: ValidationError) -> list[str]:
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return [
        f"{path}{_line(text, problem['loc'])}: {'.'.join(map(str, problem['loc']))}: "
        f"{_mend(problem['type'], problem['msg'], problem['input'])}"
        for problem in error.errors()
    ]


def _mend(kind: str, message: str, given: object) -> str:
    if kind == "extra_forbidden":
        return "no such setting; remove it or correct its name (docs/settings.md lists them)"
    return f"{message}, got {given!r}"


def _line(text: str, location: tuple[int | str, ...]) -> str:
    """Where in *text* the setting stands, as ``:12``; empty when it came from elsewhere."""
    section = ""
    *tables, name = map(str, location)
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if stripped.startswith("["):
            section = stripped.strip("[] ")
        here = stripped.split("=")[0].strip().strip('"')
        if section == ".".join(tables) and here == name:
            return f":{number}"
        if section.startswith(".".join(tables)) and f"{name}" == here:
            return f":{number}"
    return ""
