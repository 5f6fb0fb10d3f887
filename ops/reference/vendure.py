"""systems/vendure and a PostgreSQL server become a running shop: seeded once, then restored."""

import json
import os
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from ops.errors import OpsError
from ops.local.cache import built, digest
from ops.local.secrets import write_private
from ops.local.settings import ROOT
from ops.local.spec import ProcessSpec, Ready
from ops.reference import database as db
from ops.reference import node
from ops.reference.commands import run
from ops.reference.node import Node

Progress = Callable[[str], None]

SYSTEM = ROOT / "systems" / "vendure"
CATALOGUE = ROOT / "systems" / "catalogue.json"
ROLE = "shop"


@dataclass(frozen=True, slots=True)
class ShopSeed:
    """A seeded shop database, and the secrets that open the shop."""

    database: str
    dsn: str = field(repr=False)
    username: str
    password: str = field(repr=False)
    api_key: str = field(repr=False)
    superadmin_username: str
    superadmin_password: str = field(repr=False)
    cookie_secret: str = field(repr=False)


def build(cache: Path, progress: Progress) -> Path:
    """Make the directory the shop runs from: its sources beside the packages of its lock."""
    programs = node.provide(cache, progress)
    npm = [SYSTEM / name for name in ("package.json", "package-lock.json", ".npmrc")]
    packages = built(
        cache,
        "shop-packages",
        digest(_contents(npm)),
        lambda place: _install(place, npm, programs, progress),
    )
    sources = [SYSTEM / "package.json", *sorted(SYSTEM.glob("*.js"))]
    names = (packages.name.encode(), str(programs.node).encode())
    key = digest([*names, *_contents(sources)])

    def assemble(place: Path) -> None:
        for source in sources:
            shutil.copy(source, place / source.name)
        (place / "node_modules").symlink_to(Path("..") / packages.name / "node_modules")
        (place / "node").symlink_to(programs.node)

    return built(cache, "shop", key, assemble)


def seed(  # noqa: PLR0913, PLR0917 - the place, the server and the programs
    app: Path, cache: Path, admin_dsn: str, pg_bin: Path, database: str, progress: Progress
) -> ShopSeed:
    """Make *database* unless it is there: from the cached dump, which is made the first time."""
    made_from = db.seed_of(admin_dsn, database)
    place = cache / f"shop-seed-{made_from}"
    if made_from is None:
        key = digest([CATALOGUE.read_bytes(), app.name.encode(), db.version(pg_bin).encode()])
        make = partial(_make_seed, app, admin_dsn, pg_bin, progress)
        place = built(cache, "shop-seed", key, make)
        progress("restoring the shop's database")
        _read(place, admin_dsn, database)
        dump = place / "shop.dump"
        db.restore(pg_bin, admin_dsn, database, owner=ROLE, file=dump, seed=key)
    elif not place.is_dir():
        raise OpsError(
            f"The database {database} was not made from a seed that is still in the cache, "
            "so nobody knows its keys. Run `syncline down --wipe` and start again."
        )
    return _read(place, admin_dsn, database)


def serve(app: Path, work: Path, shop: ShopSeed, port: int) -> ProcessSpec:
    """Say how the shop runs."""
    work.mkdir(parents=True, exist_ok=True)
    return ProcessSpec(
        name="shop",
        argv=(str(app / "node"), str(app / "index.js")),
        env=_environment(shop, port),
        cwd=work,
        port=port,
        ready=Ready("http", f"http://127.0.0.1:{port}/health"),
        depends=("postgres",),
    )


def _contents(paths: list[Path]) -> list[bytes]:
    return [path.read_bytes() for path in paths]


def _install(place: Path, files: list[Path], programs: Node, progress: Progress) -> None:
    progress("installing the shop's packages")
    for file in files:
        shutil.copy(file, place / file.name)
    run(
        [*programs.npm, "ci", "--ignore-scripts"],
        doing="Installing the shop's packages",
        env={"PATH": f"{programs.node.parent}{os.pathsep}{os.environ.get('PATH', '')}"},
        cwd=place,
    )
    # npm has been seen to give up half-way and to say that all is well: look.
    run(
        [programs.node, "-e", "require('pg'); require('@vendure/core')"],
        doing="Loading the shop's packages",
        cwd=place,
    )


def _make_seed(app: Path, admin_dsn: str, pg_bin: Path, progress: Progress, place: Path) -> None:
    progress("setting up the shop and its catalogue (once, some seconds)")
    known = {
        name: secrets.token_urlsafe(24)
        for name in ("role_password", "superadmin_password", "cookie_secret")
    }
    write_private(place / "secrets.json", json.dumps(known | {"superadmin_username": "owner"}))
    db.ensure_role(admin_dsn, ROLE, known["role_password"])
    with db.scratch(admin_dsn, ROLE) as name:
        write_private(place / "administrator.json", "{}")
        blank = ShopSeed(
            database=name,
            dsn=db.address(admin_dsn, user=ROLE, password=known["role_password"], database=name),
            username="",
            password="",
            api_key="",
            superadmin_username="owner",
            superadmin_password=known["superadmin_password"],
            cookie_secret=known["cookie_secret"],
        )
        run(
            [app / "node", app / "populate.js"],
            doing="Seeding the shop",
            env=_environment(blank, 0)
            | {
                "SHOP_SYNCHRONIZE": "true",
                "SHOP_CATALOGUE": str(CATALOGUE),
                "SHOP_SECRETS_FILE": str(place / "administrator.json"),
            },
        )
        db.dump(pg_bin, admin_dsn, name, place / "shop.dump")


def _read(place: Path, admin_dsn: str, database: str) -> ShopSeed:
    """Let the shop's role log in with the seed's password, and give all that is known."""
    known = json.loads((place / "secrets.json").read_text())
    administrator = json.loads((place / "administrator.json").read_text())
    db.ensure_role(admin_dsn, ROLE, known["role_password"])
    return ShopSeed(
        database=database,
        dsn=db.address(admin_dsn, user=ROLE, password=known["role_password"], database=database),
        username=administrator["username"],
        password=administrator["password"],
        api_key=administrator["api_key"],
        superadmin_username=known["superadmin_username"],
        superadmin_password=known["superadmin_password"],
        cookie_secret=known["cookie_secret"],
    )


def _environment(shop: ShopSeed, port: int) -> dict[str, str]:
    address = conninfo_to_dict(shop.dsn)
    return {
        "SHOP_PORT": str(port),
        "SHOP_SUPERADMIN_USERNAME": shop.superadmin_username,
        "SHOP_SUPERADMIN_PASSWORD": shop.superadmin_password,
        "SHOP_COOKIE_SECRET": shop.cookie_secret,
        "SHOP_DB_HOST": str(address["host"]),
        "SHOP_DB_PORT": str(address["port"]),
        "SHOP_DB_USER": str(address["user"]),
        "SHOP_DB_PASSWORD": str(address["password"]),
        "SHOP_DB_NAME": shop.database,
        # Columns are without time zone: node writes them in its own.
        "TZ": "UTC",
        "VENDURE_DISABLE_TELEMETRY": "true",
    }
