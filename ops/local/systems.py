"""A running PostgreSQL becomes the two reference systems: built, seeded, ready to be captured."""

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from ops import capture, connectors
from ops.local import postgres
from ops.local.progress import Say
from ops.local.settings import LocalSettings
from ops.local.spec import ProcessSpec
from ops.reference import tryton, vendure

ERP_DATABASE = "erp"
SHOP_DATABASE = "shop"


@dataclass(frozen=True, slots=True)
class System:
    """One system, prepared: its process, and where it answers."""

    spec: ProcessSpec
    endpoint: Mapping[str, Any]


def erp(
    settings: LocalSettings, server: "Future[postgres.Server]", secrets: Mapping[str, str], say: Say
) -> System:
    """Build and seed the ERP."""
    venv = tryton.build(settings.cache, say)
    admin = postgres.dsn(settings, postgres.SUPERUSER, secrets["postgres"], "postgres")
    seed = tryton.seed(venv, settings.cache, admin, server.result().bin, ERP_DATABASE, say)
    work = settings.run / "erp"
    work.mkdir(parents=True, exist_ok=True)
    port = settings.ports.erp
    keeper = seed.ids["shopkeeper"]
    return System(
        spec=tryton.serve(venv, work, seed.dsn, ERP_DATABASE, port),
        endpoint={
            "url": f"http://127.0.0.1:{port}",
            "database": ERP_DATABASE,
            "username": keeper["login"],
            "password": keeper["password"],
            "api_key": keeper["api_key"],
            "dsn": seed.dsn,
            "sync": {
                "username": seed.username,
                "password": seed.password,
                "api_key": seed.api_key,
            },
        },
    )


def shop(
    settings: LocalSettings, server: "Future[postgres.Server]", secrets: Mapping[str, str], say: Say
) -> System:
    """Build and seed the shop."""
    app = vendure.build(settings.cache, say)
    admin = postgres.dsn(settings, postgres.SUPERUSER, secrets["postgres"], "postgres")
    seed = vendure.seed(app, settings.cache, admin, server.result().bin, SHOP_DATABASE, say)
    port = settings.ports.shop
    return System(
        spec=vendure.serve(app, settings.run / "shop", seed, port),
        endpoint={
            "shop_api": f"http://127.0.0.1:{port}/shop-api",
            "admin_api": f"http://127.0.0.1:{port}/admin-api",
            "username": seed.superadmin_username,
            "password": seed.superadmin_password,
            "dsn": seed.dsn,
            "sync": {
                "username": seed.username,
                "password": seed.password,
                "api_key": seed.api_key,
            },
        },
    )


def connect_environment(settings: LocalSettings, secrets: Mapping[str, str]) -> dict[str, str]:
    """Give what the connectors' `${env:…}` references stand for."""
    return {
        **_references(settings, "tryton", ERP_DATABASE, secrets),
        **_references(settings, "vendure", SHOP_DATABASE, secrets),
    }


def prepare_capture(settings: LocalSettings, system: str, secrets: Mapping[str, str]) -> None:
    """Publish the tables of *system*, and let the capturing role read them."""
    database = {"tryton": ERP_DATABASE, "vendure": SHOP_DATABASE}[system]
    admin = postgres.dsn(settings, postgres.SUPERUSER, secrets["postgres"], database)
    name = f"capture_{system}"
    capture.prepare(admin, connectors.read(system), user=name, password=secrets[name])


def _references(
    settings: LocalSettings, system: str, database: str, secrets: Mapping[str, str]
) -> Mapping[str, str]:
    prefix = f"SYNCLINE_CAPTURE_{system.upper()}"
    return {
        f"{prefix}_HOST": "127.0.0.1",
        f"{prefix}_PORT": str(settings.ports.postgres),
        f"{prefix}_DATABASE": database,
        f"{prefix}_USER": f"capture_{system}",
        f"{prefix}_PASSWORD": secrets[f"capture_{system}"],
    }
