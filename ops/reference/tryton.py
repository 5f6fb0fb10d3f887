"""systems/tryton and a PostgreSQL server become a running ERP: seeded once, then restored."""

import json
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from ops.errors import OpsError
from ops.local.cache import built, digest
from ops.local.settings import ROOT
from ops.local.spec import ProcessSpec, Ready
from ops.reference import database as db
from ops.reference.commands import run

Progress = Callable[[str], None]

SYSTEM = ROOT / "systems" / "tryton"
CATALOGUE = ROOT / "systems" / "catalogue.json"
ROLE = "erp"
# Activating these takes a minute or two; what they depend on comes along.
MODULES = (
    "account_invoice_stock",
    "account_payment_clearing",
    "account_product",
    "product_price_list",
    "purchase_request",
    "sale_payment",
    "sale_price_list",
    "stock_supply",
    "syncline_marks",
    "web_shop",
)


@dataclass(frozen=True, slots=True)
class ErpSeed:
    """A seeded ERP database: how to reach it, and what seed.py found worth knowing."""

    database: str
    dsn: str = field(repr=False)
    ids: Mapping[str, Any] = field(repr=False)

    @property
    def api_key(self) -> str:
        """Give the REST key of Syncline's own user."""
        return str(self.ids["sync_user"]["api_key"])

    @property
    def username(self) -> str:
        """Give the login of Syncline's own user."""
        return str(self.ids["sync_user"]["login"])

    @property
    def password(self) -> str:
        """Give the password of Syncline's own user; one wizard of the ERP needs a session."""
        return str(self.ids["sync_user"]["password"])


def build(cache: Path, progress: Progress) -> Path:
    """Make the ERP's own virtual environment; it never shares packages with Syncline's."""
    marks = sorted((SYSTEM / "syncline_marks").rglob("*"))
    inputs = [SYSTEM / "requirements.lock", *(path for path in marks if path.is_file())]
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    key = digest([python.encode(), *_contents(inputs)])
    return built(cache, "erp", key, lambda venv: _install(venv, progress))


def seed(  # noqa: PLR0913, PLR0917 - the place, the server and the programs
    venv: Path, cache: Path, admin_dsn: str, pg_bin: Path, database: str, progress: Progress
) -> ErpSeed:
    """Make *database* unless it is there: from the cached dump, which is made the first time."""
    place = cache / f"erp-seed-{db.seed_of(admin_dsn, database)}"
    if not place.is_dir():
        if db.seed_of(admin_dsn, database) is not None:
            raise OpsError(
                f"The database {database} was not made from a seed that is still in the cache, "
                "so nobody knows its keys. Run `syncline down --wipe` and start again."
            )
        key = digest([*_contents(_inputs()), venv.name.encode(), db.version(pg_bin).encode()])
        place = built(
            cache, "erp-seed", key, partial(_make_seed, venv, admin_dsn, pg_bin, progress)
        )
        progress("restoring the ERP's database")
        _own(admin_dsn, place)
        db.restore(
            pg_bin,
            admin_dsn,
            database,
            owner=ROLE,
            file=place / "erp.dump",
            seed=place.name.removeprefix("erp-seed-"),
        )
    password = _own(admin_dsn, place)
    return ErpSeed(
        database=database,
        dsn=db.address(admin_dsn, user=ROLE, password=password, database=database),
        ids=json.loads((place / "ids.json").read_text()),
    )


def serve(venv: Path, work: Path, dsn: str, database: str, port: int) -> ProcessSpec:
    """Say how the ERP runs; *dsn* is the seed's, *work* takes its configuration and attachments."""
    configuration = _configure(work, database, port)
    return ProcessSpec(
        name="erp",
        argv=(
            *(str(venv / "bin" / "python"), str(venv / "bin" / "trytond")),
            *("-d", database),
        ),
        env=_environment(dsn.rpartition("/")[0], configuration),
        cwd=work,
        port=port,
        # It answers 401, which needs the database's modules to be loaded: that is what to wait for.
        ready=Ready("http", f"http://127.0.0.1:{port}/{database}/rest/model/party.party"),
        depends=("postgres",),
    )


def _contents(paths: list[Path]) -> list[bytes]:
    return [path.read_bytes() for path in paths]


def _inputs() -> list[Path]:
    return [CATALOGUE, SYSTEM / "trytond.conf", *sorted(SYSTEM.glob("*.py"))]


def _install(venv: Path, progress: Progress) -> None:
    progress("installing the ERP's packages")
    run([sys.executable, "-m", "venv", venv], doing="Making the ERP's virtual environment")
    pip = (venv / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-input")
    options = ("--disable-pip-version-check", "--require-hashes", "--requirement")
    run([*pip, *options, SYSTEM / "requirements.lock"], doing="Installing the ERP's packages")
    with tempfile.TemporaryDirectory() as place:
        # setuptools writes beside what it builds; the sources stay clean.
        copy = shutil.copytree(SYSTEM / "syncline_marks", Path(place) / "syncline_marks")
        run(
            [*pip, "--disable-pip-version-check", "--no-deps", "--no-build-isolation", copy],
            doing="Installing the module syncline_marks",
        )


def _own(admin_dsn: str, place: Path) -> str:
    """Let the ERP's role log in with the seed's password, and give that."""
    password = str(json.loads((place / "role.json").read_text())["password"])
    db.ensure_role(admin_dsn, ROLE, password)
    return password


def _make_seed(venv: Path, admin_dsn: str, pg_bin: Path, progress: Progress, place: Path) -> None:
    password = secrets.token_urlsafe(24)
    _write_private(place / "role.json", {"password": password})
    db.ensure_role(admin_dsn, ROLE, password)
    server = db.address(admin_dsn, user=ROLE, password=password).removesuffix("/")
    with db.scratch(admin_dsn, ROLE) as name, tempfile.TemporaryDirectory() as work:
        environment = _environment(server, _configure(Path(work), name, port=1))
        progress("activating the ERP's modules (once, about two minutes)")
        _activate(venv, environment, name, place)
        progress("setting up the ERP's company and catalogue (once, half a minute)")
        run(
            [
                *(venv / "bin" / "python", SYSTEM / "seed.py", "--database", name),
                *("--catalogue", CATALOGUE, "--ids", place / "ids.json"),
            ],
            doing="Seeding the ERP",
            env=environment | {"PYTHONDONTWRITEBYTECODE": "1"},
        )
        db.dump(pg_bin, admin_dsn, name, place / "erp.dump")


def _activate(venv: Path, environment: Mapping[str, str], database: str, place: Path) -> None:
    password = place / "admin.password"
    _write_private(password, secrets.token_urlsafe(24))
    run(
        [
            *(venv / "bin" / "python", venv / "bin" / "trytond-admin", "-d", database),
            *("--update", *MODULES, "--activate-dependencies", "--email", "admin@localhost"),
        ],
        doing="Activating the ERP's modules",
        env={**environment, "TRYTONPASSFILE": str(password)},
    )


def _configure(work: Path, database: str, port: int) -> Path:
    """Fill in the configuration; it holds no secret."""
    attachments = work / "attachments"
    attachments.mkdir(parents=True, exist_ok=True)
    text = (SYSTEM / "trytond.conf").read_text()
    configuration = work / "trytond.conf"
    configuration.write_text(
        text.replace("{attachments}", str(attachments))
        .replace("{database}", database)
        .replace("{port}", str(port))
    )
    return configuration


def _environment(server: str, configuration: Path) -> dict[str, str]:
    return {
        "TRYTOND_CONFIG": str(configuration),
        "TRYTOND_DATABASE__URI": f"{server}/",
        "TZ": "UTC",
    }


def _write_private(path: Path, value: object) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(value if isinstance(value, str) else json.dumps(value))
