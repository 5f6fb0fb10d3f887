"""
Secrets in files and a PostgreSQL database in, a seeded and running ERP out.

``seed`` fills the database once, the first time; ``serve`` runs the ERP.
Run by the ERP image's own Python: the standard library and what Tryton brings, nothing of ours.
"""

import json
import os
import secrets
import subprocess
import sys
from pathlib import Path

import psycopg

HOME = Path("/srv/erp")
WORK = Path("/var/lib/erp")
KEYS = Path("/keys")
DATABASE, ROLE = "erp", "erp"
PORT = 8000
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
SEEDED = "seeded for Syncline"


def say(text: str) -> None:
    """Tell who reads the container's log."""
    sys.stdout.write(text + "\n")


def seed() -> None:
    """Fill the database, unless a seed has run to its end; half a seed is begun anew."""
    keys = KEYS / "sync" / "syncline_tryton"
    with connected() as database:
        done = comment(database) == SEEDED
        if done and keys.is_file():
            say("the ERP is seeded already")
            return
        if done:
            sys.exit(
                "The ERP's database is seeded, but the volume with its keys is gone: nobody can "
                "log in. Start again with `docker compose down --volumes`."
            )
        database.execute("drop schema public cascade")
        database.execute("create schema public")
    environment = os.environ | configuration()
    password = WORK / "admin.password"
    password.write_text(secrets.token_urlsafe(24))
    say("activating the ERP's modules (once, some minutes)")
    subprocess.run(
        [
            "trytond-admin",
            "-d",
            DATABASE,
            "--update",
            *MODULES,
            "--activate-dependencies",
            "--email",
            "admin@localhost",
        ],
        env=environment | {"TRYTONPASSFILE": str(password)},
        check=True,
    )
    password.unlink()
    say("setting up the ERP's company and catalogue")
    ids = WORK / "ids.json"
    subprocess.run(
        [
            sys.executable,
            HOME / "seed.py",
            "--database",
            DATABASE,
            "--catalogue",
            HOME / "catalogue.json",
            "--ids",
            ids,
        ],
        env=environment,
        check=True,
    )
    known = json.loads(ids.read_text())
    ids.unlink()
    hand_over(known["sync_user"], keys)
    hand_over(known["shopkeeper"], KEYS / "owner" / "erp.json")
    with connected() as database:
        database.execute(f"comment on database {DATABASE} is '{SEEDED}'")


def serve() -> None:
    """Become the ERP."""
    os.execvpe("trytond", ["trytond", "-d", DATABASE], os.environ | configuration())


def connected() -> psycopg.Connection:
    """Give a connection to the ERP's database; each statement is committed."""
    return psycopg.connect(
        host=os.environ["ERP_DB_HOST"],
        dbname=DATABASE,
        user=ROLE,
        password=database_password(),
        autocommit=True,
    )


def comment(database: psycopg.Connection) -> str | None:
    """Read what the database says of itself."""
    row = database.execute(
        "select shobj_description(oid, 'pg_database') from pg_database"
        " where datname = current_database()"
    ).fetchone()
    return row[0] if row else None


def database_password() -> str:
    """Read the secret that compose mounts."""
    return Path(os.environ["ERP_DB_PASSWORD_FILE"]).read_text().strip()


def configuration() -> dict[str, str]:
    """Fill in trytond.conf, and give the environment in which the ERP's programs run."""
    file, attachments = WORK / "trytond.conf", WORK / "attachments"
    attachments.mkdir(exist_ok=True)
    text = (HOME / "trytond.conf").read_text()
    text = text.replace("127.0.0.1:{port}", f"0.0.0.0:{PORT}")  # a container's loopback is its own
    file.write_text(text.replace("{attachments}", str(attachments)).replace("{database}", DATABASE))
    server = f"postgresql://{ROLE}:{database_password()}@{os.environ['ERP_DB_HOST']}:5432/"
    return {"TRYTOND_CONFIG": str(file), "TRYTOND_DATABASE__URI": server}


def hand_over(user: dict, file: Path) -> None:
    """Leave one user's credentials, whole or not at all, where only our own account reads them."""
    names = {"login": "username", "password": "password", "api_key": "api_key"}
    draft = file.with_name(f".{file.name}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o400)
    with os.fdopen(descriptor, "w") as out:
        json.dump({ours: user[theirs] for theirs, ours in names.items()}, out)
    draft.replace(file)


if __name__ == "__main__":
    {"seed": seed, "serve": serve}[sys.argv[1]]()
