"""systems/tryton and a PostgreSQL server become a running ERP: seeded once, then restored."""

import json
import secrets
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from ops.errors import OpsError
from ops.local.cache import built, digest
from ops.local.secrets import write_private
from ops.local.settings import ROOT
from ops.local.spec import ProcessSpec, Ready
from ops.reference import database as db
from ops.reference.commands import run

Progress = Callable[[str], None]

SYSTEM = ROOT / "systems" / "tryton"
CATALOGUE = ROOT / "systems" / "catalogue.json"
ROLE = "erp"
_BASE = (SYSTEM / "trytond.conf",)
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
    """
    Make *database* unless it is there, from the cached dump.

    The first time makes two dumps: one of the activated modules, which takes a minute or two and
    is kept while the packages are the same, and one of the company and the catalogue.
    """
    made_from = db.seed_of(admin_dsn, database)
    place = cache / f"erp-seed-{made_from}"
    if made_from is None:
        maker = _Maker(venv, admin_dsn, pg_bin, progress)
        base_key = digest([venv.name.encode(), *maker.version(), *_contents(_BASE)])
        base = built(cache, "erp-base", base_key, maker.base)
        seed_key = digest([base.name.encode(), *_contents([CATALOGUE, *_seed_sources()])])
        place = built(cache, "erp-seed", seed_key, partial(maker.seed, base))
        progress("restoring the ERP's database")
        _own(admin_dsn, place)
        dump = place / "erp.dump"
        db.restore(pg_bin, admin_dsn, database, owner=ROLE, file=dump, seed=seed_key)
    elif not place.is_dir():
        raise OpsError(
            f"The database {database} was not made from a seed that is still in the cache, "
            "so nobody knows its keys. Run `syncline down --wipe` and start again."
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


def _contents(paths: Iterable[Path]) -> list[bytes]:
    return [path.read_bytes() for path in paths]


def _seed_sources() -> list[Path]:
    return sorted(SYSTEM.glob("*.py"))


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


@dataclass(frozen=True, slots=True)
class _Maker:
    """Makes dumps in passing databases of the server."""

    venv: Path
    admin_dsn: str
    pg_bin: Path
    progress: Progress

    def version(self) -> tuple[bytes, ...]:
        """Give what a dump depends on besides files."""
        return (db.version(self.pg_bin).encode(), *(name.encode() for name in MODULES))

    def base(self, place: Path) -> None:
        """Activate the modules in an empty database, and dump it."""
        with self._scratch(place) as (name, environment):
            self.progress("activating the ERP's modules (once, a minute or two)")
            password = place / "admin.password"
            write_private(password, secrets.token_urlsafe(24))
            run(
                [
                    *(self.venv / "bin" / "python", self.venv / "bin" / "trytond-admin"),
                    *("-d", name, "--update", *MODULES, "--activate-dependencies"),
                    *("--email", "admin@localhost"),
                ],
                doing="Activating the ERP's modules",
                env={**environment, "TRYTONPASSFILE": str(password)},
            )
            db.dump(self.pg_bin, self.admin_dsn, name, place / "base.dump")

    def seed(self, base: Path, place: Path) -> None:
        """Set up the company and the catalogue on top of *base*, and dump that."""
        with self._scratch(place) as (name, environment):
            self.progress("setting up the ERP's company and catalogue (once, half a minute)")
            dump = base / "base.dump"
            db.load(self.pg_bin, self.admin_dsn, name, owner=ROLE, file=dump)
            run(
                [
                    *(self.venv / "bin" / "python", SYSTEM / "seed.py", "--database", name),
                    *("--catalogue", CATALOGUE, "--ids", place / "ids.json"),
                ],
                doing="Seeding the ERP",
                env={**environment, "PYTHONDONTWRITEBYTECODE": "1"},
            )
            db.dump(self.pg_bin, self.admin_dsn, name, place / "erp.dump")

    @contextmanager
    def _scratch(self, place: Path) -> Iterator[tuple[str, Mapping[str, str]]]:
        """Give a passing database, and the environment in which the ERP's programs use it."""
        password = secrets.token_urlsafe(24)
        write_private(place / "role.json", json.dumps({"password": password}))
        db.ensure_role(self.admin_dsn, ROLE, password)
        server = db.address(self.admin_dsn, user=ROLE, password=password).removesuffix("/")
        with db.scratch(self.admin_dsn, ROLE) as name, tempfile.TemporaryDirectory() as work:
            yield name, _environment(server, _configure(Path(work), name, port=1))


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
