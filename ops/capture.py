"""A database and the tables to capture become a publication and a role that can read only those."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql

from ops.connectors import Capture
from ops.errors import OpsError


def prepare(admin_dsn: str, capture: Capture, *, user: str, password: str) -> None:
    """
    Make a database ready to be captured; doing it again changes nothing.

    The publication lists tables, never `ALL TABLES`: accounts, sessions and keys must not leave
    the database even if a connector's filter is wrong. The role can log in, replicate, and read
    these tables; nothing else.
    """
    name = f"syncline_{capture.system}"
    with _connected(admin_dsn, capture.system) as connection:
        _require(connection, capture)
        _role(connection, user, password)
        _grants(connection, user, capture.tables)
        _publication(connection, name, capture.tables)
        for table in capture.tables:
            _whole_old_rows(connection, table)


def drop_slot(admin_dsn: str, system: str) -> None:
    """Let the database forget that *system* was captured: an unread slot would keep its log."""
    with psycopg.connect(admin_dsn, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
            " WHERE slot_name = %s AND NOT active",
            [f"syncline_{system}"],
        )


@contextmanager
def _connected(dsn: str, system: str) -> Iterator[psycopg.Connection]:
    try:
        with psycopg.connect(dsn, connect_timeout=20) as connection:
            yield connection
    except psycopg.OperationalError as error:
        raise OpsError(
            f"{system}: the database cannot be prepared for capture: {str(error).strip()}. "
            "Is it up? `syncline status` tells."
        ) from error


def _require(connection: psycopg.Connection, capture: Capture) -> None:
    level = connection.execute("SHOW wal_level").fetchone()
    if level is None or level[0] != "logical":
        raise OpsError(
            f"{capture.system}: the database's log is not logical. "
            "Set wal_level = logical in postgresql.conf and restart PostgreSQL."
        )
    found = {
        (table, column)
        for table, column in connection.execute(
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND table_name = ANY(%s)",
            [list(capture.tables)],
        )
    }
    for tables in capture.documents.values():
        for table, column in tables.items():
            if (table, column) not in found:
                raise OpsError(
                    f"{capture.system}: the database has no column {column!r} in table {table!r}. "
                    f"Correct `documents` in connect-configs/{capture.system}.json."
                )


def _role(connection: psycopg.Connection, user: str, password: str) -> None:
    exists = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [user]).fetchone()
    verb = sql.SQL("ALTER" if exists else "CREATE")
    connection.execute(
        sql.SQL("{} ROLE {} LOGIN REPLICATION PASSWORD {}").format(
            verb, sql.Identifier(user), sql.Literal(password)
        )
    )


def _grants(connection: psycopg.Connection, user: str, tables: tuple[str, ...]) -> None:
    role = sql.Identifier(user)
    connection.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(role))
    connection.execute(sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {}").format(role))
    connection.execute(sql.SQL("GRANT SELECT ON {} TO {}").format(_names(tables), role))


def _publication(connection: psycopg.Connection, name: str, tables: tuple[str, ...]) -> None:
    published = {
        table
        for (table,) in connection.execute(
            "SELECT tablename FROM pg_publication_tables WHERE pubname = %s", [name]
        )
    }
    exists = connection.execute(
        "SELECT 1 FROM pg_publication WHERE pubname = %s", [name]
    ).fetchone()
    if not exists:
        statement = sql.SQL("CREATE PUBLICATION {} FOR TABLE {}")
    elif published != set(tables):
        statement = sql.SQL("ALTER PUBLICATION {} SET TABLE {}")
    else:
        return
    connection.execute(statement.format(sql.Identifier(name), _names(tables)))


def _whole_old_rows(connection: psycopg.Connection, table: str) -> None:
    """
    Put a row's old values in the log whole (REPLICA IDENTITY FULL).

    Without them the delete of a line does not say which document it left, and an update of a
    row with a long text arrives with a placeholder in its place.
    """
    identity = connection.execute(
        "SELECT relreplident FROM pg_class WHERE oid = %s::regclass", [f'public."{table}"']
    ).fetchone()
    if identity is not None and identity[0] not in ("f", b"f"):
        connection.execute(
            sql.SQL("ALTER TABLE {} REPLICA IDENTITY FULL").format(sql.Identifier("public", table))
        )


def _names(tables: tuple[str, ...]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier("public", table) for table in tables)
